package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// squad is a rig with three nodes that go together, each with a pod: web-1 is on n1.
type squad struct {
	*rig
	mu       sync.Mutex
	together [][]string
	refusal  error
	// refuses is the only node that is refused; empty for all.
	refuses string
}

func newSquad(t *testing.T) *squad {
	s := &squad{}
	var objects []client.Object
	for _, i := range []string{"1", "2", "3"} {
		n := testNode()
		n.Name = "n" + i
		p := testPod("web-"+i, "ReplicaSet")
		p.Spec.NodeName = n.Name
		objects = append(objects, n, p)
	}
	s.rig = newRig(t, objects...)
	s.drainer = s.newDrainer()
	return s
}

func (s *squad) newDrainer() *Drainer {
	d := s.rig.newDrainer()
	d.deps.DeleteAllOrNothing = func(_ context.Context, group string, nodes []string) map[string]error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, n := range nodes {
			if left := s.on(n); left != "" {
				s.t.Errorf("node %s is deleted with %s on it", n, left)
			}
		}
		s.together = append(s.together, append([]string{group}, slices.Sorted(slices.Values(nodes))...))
		refused := map[string]error{}
		for _, n := range nodes {
			if s.refusal != nil && (s.refuses == "" || s.refuses == n) {
				refused[n] = s.refusal
			}
		}
		return refused
	}
	return d
}

// on are the pods on the node.
func (s *squad) on(node string) string {
	s.t.Helper()
	pods, err := podsOn(context.Background(), s.api, node)
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for i := range pods {
		names = append(names, pods[i].Name)
	}
	return strings.Join(names, " ")
}

// marked are the nodes that bear the taint.
func (s *squad) marked() (names []string) {
	s.t.Helper()
	var list corev1.NodeList
	if err := s.api.List(context.Background(), &list); err != nil {
		s.t.Fatal(err)
	}
	for i := range list.Items {
		if Going(&list.Items[i]) {
			names = append(names, list.Items[i].Name)
		}
	}
	return names
}

// outcomes are those of all three, by node.
func (s *squad) ends() map[string]error {
	s.t.Helper()
	out := map[string]error{}
	s.drainer.Wait()
	for range 3 {
		select {
		case o := <-s.rig.outcomes:
			out[o.Node] = o.Err
		default:
			s.t.Fatalf("outcomes %v, want 3", out)
		}
	}
	return out
}

func members() []plan.Removal {
	return []plan.Removal{{Node: "n1", Group: "g", AllOrNothing: true}, {Node: "n2", Group: "g", AllOrNothing: true}, {Node: "n3", Group: "g", AllOrNothing: true}}
}

// Nodes that go together are deleted at once, when the last of them is empty.
func TestTeamGoesTogether(t *testing.T) {
	s := newSquad(t)
	refusals := 5
	s.onEvict = func(pod string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.together) > 0 {
			t.Errorf("%s is evicted after the nodes were deleted", pod)
		}
		if refusals--; pod == "web-2" && refusals >= 0 {
			return apierrors.NewTooManyRequests("budget", 0)
		}
		return nil
	}
	s.drainer.BeginAllOrNothing(context.Background(), members())
	for node, err := range s.ends() {
		if err != nil {
			t.Errorf("node %s: %v", node, err)
		}
	}
	if got := fmt.Sprint(s.together); got != "[[g n1 n2 n3]]" || len(s.deleted) > 0 {
		t.Errorf("deleted together %s, alone %v", got, s.deleted)
	}
}

// When one of them cannot go, all are given back, and each says because of which; none is deleted.
func TestTeamStaysTogether(t *testing.T) {
	for _, c := range []struct {
		name       string
		set        func(*squad)
		one, other string
		asked      int
	}{
		{"a budget that never allows", func(s *squad) {
			s.onEvict = func(pod string) error {
				if pod == "web-2" {
					return apierrors.NewTooManyRequests("budget", 0)
				}
				return nil
			}
		}, "pod default/web-2 could not be evicted", "all nodes of its group go or none, and node n2 could not: pod default/web-2 could not be evicted", 0},
		{"the provider refuses", func(s *squad) { s.refusal = errors.New("quota") }, "quota", "quota", 1},
		{"judged anew", func(s *squad) { s.verdict = plan.BlockedByPod }, "it may no longer go: BlockedByPod", "BlockedByPod", 0},
	} {
		s := newSquad(t)
		c.set(s)
		s.drainer.BeginAllOrNothing(context.Background(), members())
		first := 0
		for node, err := range s.ends() {
			switch {
			case err == nil:
				t.Errorf("%s: node %s went", c.name, node)
			case strings.HasPrefix(err.Error(), c.one):
				first++
			case !strings.Contains(err.Error(), c.other):
				t.Errorf("%s: node %s: %v", c.name, node, err)
			}
		}
		if first != 1 && c.asked == 0 {
			t.Errorf("%s: %d nodes are the cause", c.name, first)
		}
		if marked := s.marked(); len(marked) > 0 || len(s.together) != c.asked || len(s.deleted) > 0 {
			t.Errorf("%s: marked %v, deleted together %v, alone %v", c.name, marked, s.together, s.deleted)
		}
	}
}

// What the provider has taken is gone, though it refuses another of them, which alone is given back.
func TestTeamThatGoesInPart(t *testing.T) {
	for range 20 { // it depends on which of them learns of it first
		s := newSquad(t)
		s.refusal, s.refuses = errors.New("protected"), "n2"
		s.drainer.BeginAllOrNothing(context.Background(), members())
		for node, err := range s.ends() {
			if (err != nil) != (node == "n2") || err != nil && !strings.Contains(err.Error(), "protected") {
				t.Errorf("node %s: %v", node, err)
			}
		}
	}
}

// A process that ends while they are drained leaves the mark on all, and the next one finishes together.
func TestTeamIsResumed(t *testing.T) {
	s := newSquad(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.onEvict = func(pod string) error {
		if pod == "web-3" {
			cancel()
			return apierrors.NewTooManyRequests("budget", 0)
		}
		return nil
	}
	s.drainer.BeginAllOrNothing(ctx, members())
	s.drainer.Wait()
	if len(s.rig.outcomes) > 0 || len(s.together) > 0 {
		t.Fatalf("%d outcomes, deleted %v", len(s.rig.outcomes), s.together)
	}
	marked := s.marked() // the process may have ended before it marked one
	if !slices.Contains(marked, "n3") {
		t.Fatalf("marked %v", marked)
	}
	s.onEvict = func(string) error { return nil }
	s.drainer = s.newDrainer()
	s.drainer.ResumeAllOrNothing(context.Background(), "g", marked)
	s.drainer.ResumeAllOrNothing(context.Background(), "g", marked) // each loop finds them
	s.drainer.Wait()
	if got := fmt.Sprint(s.together); got != fmt.Sprint([][]string{append([]string{"g"}, marked...)}) {
		t.Errorf("deleted together %s, marked %v", got, marked)
	}
}
