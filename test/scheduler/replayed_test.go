package scheduler_test

import (
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/test/scheduler"
)

// withSteps is the text case with other steps.
func withSteps(t *testing.T, name, steps string) *scheduler.Case {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, _, _ := strings.Cut(string(text), "\nsteps:\n")
	c, err := scheduler.Read(name, []byte(objects+"\nsteps:\n"+steps))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Steps after which both may know different things, or that kube-scheduler would not do, are errors.
func TestReplayRefusesWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, steps, want string }{
		{"last-free-volume", "- place: db-0\n  on: a-2\n- ask: db-1\n", `steps[0]: place db-0: it does not fit on a-2: `},
		{"last-free-volume", "- ask: db-1\n- place: db-0\n  on: a-1\n- place: db-1\n  on: a-1\n", `steps[2]: place db-1: it does not fit on a-1: `},
		{"shared-open-claim", "- place: web-0\n  on: a-1\n- take: web-0\n- ask: web-1\n", `steps[1]: take web-0: another pod has a claim of it that has no volume`},
		{"volume-limit", "- place: db-one\n  on: a-1\n- take: db-one\n- ask: db-two\n- ask: web-2\n", ""},
	} {
		_, err := replay(t.Context(), withSteps(t, c.name, c.steps))
		if got := errorText(err); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: steps\n%serror %q, want %q", c.name, c.steps, got, c.want)
		}
	}
}

// Of like pods on one node none may be left behind, as a free volume of one may be taken for that of the other.
func TestLikePodsLeaveTogether(t *testing.T) {
	t.Parallel()
	steps := "- ask: db-1\n- place: db-0\n  on: a-1\n- place: db-1\n  on: a-1\n- take: db-0\n"
	for more, want := range map[string]string{
		"- ask: db-0\n":               `steps[4]: ask db-0: pod db-1 is like db-0, which has just been taken off the same node`,
		"":                            `pod db-1 is like db-0, which has just been taken off the same node`,
		"- take: db-1\n- ask: db-0\n": "",
	} {
		c := withSteps(t, "last-free-volume", steps+more)
		for _, o := range c.Objects { // a second volume is free
			if v, is := o.DeepCopyObject().(*corev1.PersistentVolume); is {
				v.Name, v.UID = "second", "second"
				c.Objects = append(c.Objects, v)
			}
		}
		_, err := replay(t.Context(), c)
		if got := errorText(err); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("steps\n%serror %q, want %q", steps+more, got, want)
		}
	}
}

// A text that says something else than kube-scheduler is found, and so is a simulator that does.
func TestMismatchesAreFound(t *testing.T) {
	t.Parallel()
	full := scheduler.Refusal{Plugin: "NodeResourcesFit", Message: "Insufficient cpu"}
	answers := []answer{{node: "a-1"}, {"a-2", scheduling.Misfit{Code: scheduling.InsufficientCPU}, full}}
	right := []scheduler.Answer{{Node: "a-1", Says: "fits"}, {Node: "a-2", Says: "NodeResourcesFit (Insufficient cpu)"}}
	for _, c := range []struct {
		what    string
		want    []scheduler.Answer
		answers []answer
		update  bool
		found   string
	}{
		{"all agree", right, answers, false, ""},
		{"the text has no answers", nil, answers, false, `line 7: pod web on node a-1: the text says "", kube-scheduler "fits"
line 7: pod web on node a-2: the text says "", kube-scheduler "NodeResourcesFit (Insufficient cpu)"`},
		{"the text has other words", []scheduler.Answer{right[0], {Node: "a-2", Says: "NodeResourcesFit (Too many pods)"}}, answers, false,
			`line 7: pod web on node a-2: the text says "NodeResourcesFit (Too many pods)", kube-scheduler "NodeResourcesFit (Insufficient cpu)"`},
		{"the text is to be updated", nil, answers, true, ""},
		{"the simulator says something else, whatever the text says", right, []answer{answers[0], {"a-2", scheduling.Misfit{}, full}}, true,
			`line 7: pod web on node a-2: the simulator says fits, kube-scheduler NodeResourcesFit (Insufficient cpu): one says that it fits`},
	} {
		s := &scheduler.Step{Verb: scheduler.Ask, Pod: "web", Line: 7, Want: c.want}
		if got := strings.Join(mismatches(s, c.answers, c.update), "\n"); got != c.found {
			t.Errorf("%s:\n%s\nwant\n%s", c.what, got, c.found)
		}
	}
}
