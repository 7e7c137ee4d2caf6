package report

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// podEvents writes Events on pods, each only when what it says differs from the last on the same pod.
type podEvents struct {
	recorder events.EventRecorder
	// said is the last announcement for each pod that is still pending.
	said map[string]string
}

// maxEventsPerLoop bounds what a rollout of thousands of pods writes; the others follow in later loops.
const maxEventsPerLoop = 200

// write announces on the pods without a node that a group grows for them, or that none can. It
// says nothing of groups that failed to grow.
func (a *podEvents) write(object func(name string) *corev1.Pod, p *plan.Plan, failed map[string]bool) {
	said := make(map[string]string, len(a.said))
	written := 0
	for i := range p.Pending {
		pending := &p.Pending[i]
		last, known := a.said[pending.Pod]
		kind, reason, note, essence := announcement(pending, p.Groups)
		if reason == "" || failed[pending.Group] || essence == last || written == maxEventsPerLoop {
			if known {
				said[pending.Pod] = last
			}
			continue
		}
		a.recorder.Eventf(object(pending.Pod), nil, kind, reason, "ScaleUp", "%s", note)
		said[pending.Pod] = essence
		written++
	}
	a.said = said
}

// announcement is the Event on a pod, and its essence: what must change for the Event to be written
// again. Numbers do not count, since they change with every pod that starts.
func announcement(p *plan.PendingPod, groups []verdict.Verdict) (kind, reason, note, essence string) {
	switch p.Verdict.Code {
	case plan.TriggeredScaleUp:
		note = "a node group grows for the pod: " + p.Verdict.Facts.String()
		return corev1.EventTypeNormal, "TriggeredScaleUp", note + "; " + choice(p.Group, groups), note
	case plan.NotTriggerScaleUp:
		return corev1.EventTypeNormal, "NotTriggerScaleUp", "no node group can take the pod: " + reasons(p.Why), codes(p.Why)
	case plan.ConstraintNotModelled, plan.Expendable:
		return corev1.EventTypeNormal, "NotTriggerScaleUp", p.Verdict.Message(), p.Verdict.Message()
	}
	return "", "", "", ""
}

// choice says why that group grows and not another that could take the pod too.
func choice(group string, groups []verdict.Verdict) string {
	for _, v := range groups {
		chosen, ok := v.Facts.Lookup("chosen")
		if v.Code != plan.NotChosen || !ok || chosen.Value() != group {
			continue
		}
		with, _ := v.Facts.Lookup("with")
		other := slices.DeleteFunc(slices.Clone(v.Facts), func(f verdict.Fact) bool { return f.Name == "chosen" || f.Name == "with" })
		return fmt.Sprintf("%s with %s was preferred to %s with %s", group, with.Value(), v.Subject.Name, other)
	}
	return "no other group can take it now"
}

func reasons(why []verdict.Verdict) string {
	if len(why) == 0 {
		return "there is none"
	}
	parts := make([]string, len(why))
	for i, v := range why {
		parts[i] = fmt.Sprintf("%s: %s", v.Subject.Name, v.Message())
	}
	return strings.Join(parts, "; ")
}

func codes(why []verdict.Verdict) string {
	var b strings.Builder
	b.WriteString("NotTriggerScaleUp")
	for _, v := range why {
		fmt.Fprintf(&b, "|%s %s", v.Subject.Name, v.Code)
	}
	return b.String()
}
