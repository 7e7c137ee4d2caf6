package scheduler_test

import (
	"bytes"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/test/scheduler"
)

// A walk through a random cluster, written as a text case, read and done again has the same answers from both; and what was
// read is written as it was.
func TestWalksComeBackFromTheirText(t *testing.T) {
	t.Parallel()
	s := newSimulated(t)
	var walked []string
	count := func(got scheduling.Misfit, want scheduler.Refusal) { walked = append(walked, both(got, want)) }
	for at := *seed; at < *seed+40; at++ {
		walked = nil
		replayText(t, fmt.Sprintf("seed %d without volumes", at), compareSimulated(t, s, at, count)(), walked)
	}
	for at := *seed; at < *seed+8; at++ {
		walked = nil
		replayText(t, fmt.Sprintf("seed %d with volumes", at), compareVolumes(t, at, count)(), walked)
	}
}

// both are the answers of both.
func both(got scheduling.Misfit, want scheduler.Refusal) string {
	return fmt.Sprintf("%+v, %+v", got, want)
}

func replayText(t *testing.T, what string, c *scheduler.Case, walked []string) {
	t.Helper()
	if len(walked) == 0 {
		t.Fatalf("%s: nothing was asked", what)
	}
	text := textOf(t, what, c)
	read, err := scheduler.Read(what, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if again := textOf(t, what, read); !bytes.Equal(again, text) {
		t.Errorf("%s: written as\n%s\n--- and once read\n%s", what, text, again)
	}
	for i := range c.Pods {
		if read.Pods[i].TypeMeta = (metav1.TypeMeta{}); !equality.Semantic.DeepEqual(read.Pods[i], c.Pods[i]) {
			t.Fatalf("%s: pod %s is read as\n%v\n--- and was\n%v", what, c.Pods[i].Name, read.Pods[i], c.Pods[i])
		}
	}
	answers, err := replay(t.Context(), read)
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, text)
	}
	i := 0
	for q, question := range answers {
		for _, a := range question {
			if now := both(a.got, a.want); i < len(walked) && now != walked[i] {
				t.Fatalf("%s: question %d about %s on %s: walked\n%s\n--- replayed\n%s\n--- of\n%s", what, q, asks(read)[q].Pod, a.node, walked[i], now, text)
			}
			i++
		}
	}
	if i < len(walked) {
		t.Errorf("%s: %d answers on the walk, %d when replayed", what, len(walked), i)
	}
}

func textOf(t *testing.T, what string, c *scheduler.Case) []byte {
	t.Helper()
	text, err := c.Text()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return text
}
