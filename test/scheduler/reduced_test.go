package scheduler_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/test/scheduler"
)

// A walk is reduced to what shows that some plugin refuses, of which nothing can be dropped; it can be read, and says so then.
func TestReduceLeavesWhatIsNeeded(t *testing.T) {
	t.Parallel()
	refuses := func(plugin string) func(c *scheduler.Case) bool {
		return func(c *scheduler.Case) bool {
			answers, err := replay(t.Context(), c)
			return err == nil && slices.ContainsFunc(answers, func(question []answer) bool {
				return slices.ContainsFunc(question, func(a answer) bool { return a.want.Plugin == plugin && !a.want.Anywhere })
			})
		}
	}
	walked := compareVolumes(t, 957, func(scheduling.Misfit, scheduler.Refusal) {})()
	for _, plugin := range []string{"NodeVolumeLimits", "DynamicResources"} {
		shows := refuses(plugin)
		if !shows(walked) {
			t.Fatalf("the walk does not meet %s", plugin)
		}
		c := reduce(reduceFields(reduce(copyOf(walked), shows), shows), shows)
		text := textOf(t, plugin, c)
		read, err := scheduler.Read(plugin, text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !shows(read) {
			t.Errorf("%s: the reduced case does not show it:\n%s", plugin, text)
		}
		if answersIn(read) != 1 {
			t.Errorf("%s: %d answers, want the one that shows it:\n%s", plugin, answersIn(read), text)
		}
		for i := range read.Objects {
			smaller := copyOf(read)
			if dropObjects(smaller, i, i+1); shows(smaller) {
				t.Errorf("%s: object %d can be dropped:\n%s", plugin, i, text)
			}
		}
		for i := range read.Pods {
			smaller := copyOf(read)
			if dropPods(smaller, i, i+1); smaller.Check() == nil && shows(smaller) {
				t.Errorf("%s: pod %d can be dropped:\n%s", plugin, i, text)
			}
		}
	}
}

// A message has the whole case, also where it does not show what was found.
func TestReportEndsWithTheCase(t *testing.T) {
	t.Parallel()
	c, err := scheduler.Read("x.yaml", []byte(aNode+aPod+asksWeb))
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{node: "a-1", want: scheduler.Refusal{Plugin: "VolumeZone", Message: "no"}}
	got := report(t.Context(), "seed 1", c, "web", a)
	head, text, found := strings.Cut(got, "save it as test/scheduler/testdata/NAME.yaml, and say in its first lines what it is about:\n\n")
	if !found || !strings.Contains(head, "pod web on node a-1: the simulator says fits, kube-scheduler VolumeZone (no): one says that it fits") ||
		!strings.Contains(head, "Replayed, the case does not show it") {
		t.Errorf("the message is\n%s", got)
	}
	read, err := scheduler.Read("x.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if read.Comment != "Found by seed 1." || len(read.Steps) != 1 || !slices.Equal(read.Steps[0].Want, []scheduler.Answer{{Node: "a-1", Says: "NodeResourcesFit (Too many pods)"}}) {
		t.Errorf("the case is\n%s", text)
	}
}
