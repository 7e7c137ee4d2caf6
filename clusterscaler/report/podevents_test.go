package report

import (
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

func TestAnnouncementTellsWhyThisGroup(t *testing.T) {
	pod := &plan.PendingPod{
		Pod: "demo/web-1", Group: "general",
		Verdict: verdict.Because(verdict.On("pod", "demo/web-1"), plan.TriggeredScaleUp, verdict.Text("group", "general"), verdict.Number("from", 0), verdict.Number("to", 1), verdict.Number("max", 10)),
	}
	preferred := []verdict.Verdict{
		verdict.Because(verdict.On("group", "general"), plan.ScaledUpGroup, verdict.Ratio("waste", 0.859)),
		verdict.Because(verdict.On("group", "compute"), plan.NotChosen, verdict.Ratio("waste", 0.961), verdict.Text("chosen", "general"), verdict.Text("with", "waste 85.9%")),
	}
	for name, c := range map[string]struct {
		groups []verdict.Verdict
		want   string
	}{
		"another could take it": {preferred, "general with waste 85.9% was preferred to compute with waste 96.1%"},
		"a tie": {[]verdict.Verdict{verdict.Because(verdict.On("group", "compute"), plan.NotChosen, verdict.Ratio("waste", 0.859), verdict.Text("chosen", "general"), verdict.Text("with", "waste 85.9%"), verdict.Text("tie broken by", "the name of the group"))},
			"general with waste 85.9% was preferred to compute with waste 85.9%, tie broken by the name of the group"},
		"no other can":          {preferred[:1], "no other group can take it now"},
		"chosen for other pods": {[]verdict.Verdict{verdict.Because(verdict.On("group", "compute"), plan.NotChosen, verdict.Text("chosen", "general-b"), verdict.Text("with", "waste 1%"))}, "no other group can take it now"},
	} {
		_, reason, note, essence := announcement(pod, c.groups)
		if want := "a node group grows for the pod: group general, from 0, to 1, max 10; " + c.want; note != want || reason != "TriggeredScaleUp" {
			t.Errorf("%s: %s %q, want %q", name, reason, note, want)
		}
		if want := "a node group grows for the pod: group general, from 0, to 1, max 10"; essence != want {
			t.Errorf("%s: the Event is repeated when %q changes", name, essence)
		}
	}
}
