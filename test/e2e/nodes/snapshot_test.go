package nodes

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/test/e2e/cluster"
)

// snapshotIsDecidedAgain: whatever the loop has just decided, here and for all other faults, its snapshot decides the same
// in another process, as it is and under other names.
func snapshotIsDecidedAgain(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "kept", "kept", 1, "1")
	w.Wait(ctx, t, "a snapshot has the pod that waits for its node", w.replayed(t, "kept", "FitsUpcomingNode"))
	node := w.RunsOn(ctx, t, "kept")
	w.Wait(ctx, t, "a snapshot has the node that is used", w.replayed(t, node, "NoPlaceToMovePods"))
	if err := w.Client.Delete(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.Namespace, Name: "kept"}}); err != nil {
		t.Fatal(err)
	}
	// Until then it is asked while the node is unneeded, is being drained, and is being deleted.
	w.Wait(ctx, t, "a snapshot is without the node", w.replayed(t, "kept-a", "NotNeeded: size 0"))
}

// replayed is the condition that a snapshot, decided again, says the word about a subject. One that is decided
// differently fails the test.
func (w *world) replayed(t *testing.T, subject, word string) func(context.Context) error {
	return func(ctx context.Context) error {
		file, said, err := w.run(ctx, nil, "snapshot", "--server", w.Trimtab.Debug)
		if err != nil {
			return fmt.Errorf("trimtab snapshot: %w: %s", err, said)
		}
		plan, said, err := w.run(ctx, file, "replay", "-")
		if err != nil || said != "" {
			t.Fatalf("trimtab replay: %v: %s", err, said)
		}
		other, said, err := w.run(ctx, file, "snapshot", "--anonymize", "-")
		if err != nil || said != "" {
			t.Fatalf("trimtab snapshot --anonymize: %v: %s", err, said)
		}
		if bytes.Contains(other, []byte("kept")) || bytes.Contains(other, []byte(cluster.Namespace)) {
			t.Fatalf("names are left in the anonymized snapshot:\n%s", other)
		}
		for line := range strings.Lines(string(plan)) {
			if strings.Contains(line, subject) && strings.Contains(line, word) {
				return nil
			}
		}
		return fmt.Errorf("nothing about %s is %s:\n%s", subject, word, plan)
	}
}

// run runs trimtab.
func (w *world) run(ctx context.Context, in []byte, args ...string) (out []byte, said string, err error) {
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(ctx, w.Trimtab.Binary(), args...)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &stdout, &stderr
	err = c.Run()
	return stdout.Bytes(), stderr.String(), err
}
