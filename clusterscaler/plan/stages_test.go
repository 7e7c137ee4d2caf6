package plan

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// loopOf is the loop of a scenario, for tests of single stages.
func loopOf(t *testing.T, m Memory, lines ...string) *loop {
	b := newBuilder(t, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), m)
	for _, line := range lines {
		b.line(line)
	}
	s := b.snapshot()
	return newKept(s, b.policy, b.now).loop(s, b.memory, b.policy, b.now)
}

func podNames(batches []batch) (out []string) {
	for _, b := range batches {
		for _, pod := range b.pods {
			out = append(out, pod.Name)
		}
	}
	return out
}

// The first stage counts what is missing of each group's size, and asks no simulator: it needs no world.
func TestObserveAlone(t *testing.T) {
	l := loopOf(t, Memory{}, "group a cpu=4 memory=16Gi min=1 max=9 size=4", "group b cpu=4 memory=16Gi size=2 failed=1", "group c cpu=4 memory=16Gi size=3",
		"node a-1 group=a x=1", "node b-1 group=b", "node lost", "remember awaited c=1h")
	before := fmt.Sprint(l.before)
	there := observe(l)
	if got := strings.Join(there.upcoming, " "); got != "a a a" {
		t.Errorf("on their way: %s", got)
	}
	want := []Decrease{{"b", 2, 1, 1}, {"c", 3, 0, 0}}
	if !slices.Equal(there.plan.GiveUp, want) || there.groups[2].lost != 3 || there.memory.Backoffs["c"].Until.IsZero() {
		t.Errorf("given up: %v, lost %d of c, backed off %v", there.plan.GiveUp, there.groups[2].lost, there.memory.Backoffs)
	}
	if there.unhealthy() || there.plan.Readiness.Ready != 3 {
		t.Errorf("health: %v, %+v", there.plan.Cluster, there.plan.Readiness)
	}
	if after := fmt.Sprint(l.before); after != before {
		t.Errorf("the memory before became %s, and was %s", after, before)
	}
}

// The second stage tells who has a place, who waits, and who needs a node.
func TestPlacePendingAlone(t *testing.T) {
	l := loopOf(t, Memory{}, "group a cpu=4 memory=16Gi size=2", "node a-1 group=a", "pod x/old cpu=2 on=a-1", "pod x/fits cpu=2", "pod x/comes cpu=4", "pod x/gated cpu=1 gated",
		"pod x/young cpu=1 delay=5m", "pod x/large cpu=9", "headroom h count=2 cpu=4")
	there := observe(l)
	n := placePending(newWorld(l, &there))
	var places []string
	for _, s := range n.placed.shares {
		places = append(places, fmt.Sprint(s.pods[0].Name, " on ", s.node))
	}
	if got := strings.Join(places, ", "); got != "x/comes on 1, x/fits on 0" {
		t.Errorf("placed: %s", got)
	}
	var waiting []string
	for _, s := range n.said {
		waiting = append(waiting, s.verdict.String())
	}
	if got := podNames(n.batches); !slices.Equal(got, []string{"x/large", "headroom h", "headroom h"}) || len(waiting) != 2 || !n.next.Equal(l.now.Add(4*time.Minute)) {
		t.Errorf("need nodes: %v; wait: %v; again at %s", got, waiting, n.next)
	}
	if memory := n.placed.remembered(); memory["x/comes"].Group != "a" || memory["x/fits"].Node != "a-1" || len(memory) != 2 {
		t.Errorf("remembered: %v", memory)
	}
}

// The third stage grows groups for whatever needs a node: pods that are in no snapshot do.
func TestGrowAlone(t *testing.T) {
	l := loopOf(t, Memory{}, "group a cpu=4 memory=16Gi max=2", "group b cpu=8 memory=32Gi max=1", "pod x/web cpu=3")
	there := observe(l)
	w := newWorld(l, &there)
	n := needs{mark: w.ready, placed: placed{loop: l}}
	for i := range 6 {
		n.pods = append(n.pods, &Pod{Name: fmt.Sprint("y/", i), Class: l.s.Pods[0].Class})
	}
	n.batches = batched(slices.Clone(n.pods))
	g := grow(w, &n)
	if g.groups[0].grows != 2 || g.groups[1].grows != 1 || !slices.Equal(podNames(g.batches), []string{"y/4", "y/5"}) || len(podNames(n.batches)) != 6 {
		t.Errorf("a grows by %d, b by %d, left: %v of %v", g.groups[0].grows, g.groups[1].grows, podNames(g.batches), podNames(n.batches))
	}
	if said := reportGrowth(w, &n, g); len(said.increases) != 2 || said.increases[1].Pods[0] == "" {
		t.Errorf("said: %+v", said.increases)
	}
}

// The fourth stage removes nodes of the world that it is given, which need not be the one that the third has left.
func TestRemoveAlone(t *testing.T) {
	l := loopOf(t, Memory{}, "group a cpu=4 memory=16Gi min=0", "node a-1 group=a", "node a-2 group=a", "pod x/web cpu=1 on=a-1", "remember unneeded a-2=1h")
	there := observe(l)
	w := newWorld(l, &there)
	n := needs{mark: w.ready, placed: placed{loop: l}}
	g := noGrowth(w, &n)
	r := remove(w, &n, &g, false)
	if len(r.begin) != 1 || r.begin[0].Node != "a-2" || r.nodes[0].Verdict.Code == "" {
		t.Errorf("removed: %v, %v", r.begin, r.nodes)
	}
	if r := remove(w, &n, &g, true); len(r.begin) != 0 || r.nodes[1].Verdict.Code != InCooldown {
		t.Errorf("removed beside growth: %v, %v", r.begin, r.nodes)
	}
	w.cluster.Place(l.s.Pods[0].Class, 1, 4)
	n.mark = w.here()
	full := noGrowth(w, &n)
	if r := remove(w, &n, &full, false); len(r.unneeded) != 1 || r.unneeded[0].Node != "a-2" {
		t.Errorf("unneeded when pods that are in no snapshot fill a-2: %v", r.unneeded)
	}
}

// Each stage is a function of values: it gives the same when it runs again, though a later stage has changed the world since,
// and leaves what it was given as it was.
func TestStagesAreFunctions(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	grown, removed := 0, 0
	for i := range 2000 {
		s, policy := randomSnapshot(r, now)
		policy.EnforceMinSize = r.IntN(2) == 0
		policy.Headroom = []Headroom{{Name: "h", Count: r.IntN(3), Spec: scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 500, Pods: 1}}}}
		spares(s, &policy)
		l := newKept(s, policy, now).loop(s, Memory{}, policy, now)
		there := observe(l)
		w := newWorld(l, &there)
		placed := twice(t, "placed", func() needs { n := placePending(w); n.mark = mark{}; return n })
		n := placePending(w)
		g := twice(t, "grown", func() growth { g := grow(w, &n); g.mark = mark{}; return g })
		g = grow(w, &n)
		said := twice(t, "said", func() growthReport { return reportGrowth(w, &n, g) })
		gone := remove(w, &n, &g, len(said.increases) > 0)
		n.mark = mark{}
		if there2 := observe(l); !reflect.DeepEqual(there2, there) || !reflect.DeepEqual(n, placed) {
			t.Fatalf("case %d: a later stage has changed what it was given", i)
		}
		w = newWorld(l, &there)
		n = placePending(w)
		g = grow(w, &n)
		if again := remove(w, &n, &g, len(said.increases) > 0); !reflect.DeepEqual(again, gone) {
			t.Fatalf("case %d: removed %v, and the second time %v", i, gone, again)
		}
		grown += len(said.increases)
		removed += len(gone.begin)
	}
	if grown < 500 || removed < 300 {
		t.Errorf("the cases hardly plan anything: %d groups grow, %d nodes go", grown, removed)
	}
}

// twice is what the stage gives, both times.
func twice[T any](t *testing.T, what string, stage func() T) T {
	t.Helper()
	one, two := stage(), stage()
	if !reflect.DeepEqual(one, two) {
		t.Fatalf("%s: %+v, and the second time %+v", what, one, two)
	}
	return one
}

// An outcome that an earlier stage has voided is not planned from.
func TestVoidOutcomesAreNoticed(t *testing.T) {
	l := loopOf(t, Memory{}, "group a cpu=4 memory=16Gi", "pod x/web cpu=3")
	there := observe(l)
	w := newWorld(l, &there)
	n := placePending(w)
	g := grow(w, &n)
	placePending(w)
	defer func() {
		if recover() == nil {
			t.Error("removal began with growth of pods that are not placed any more")
		}
	}()
	remove(w, &n, &g, true)
}
