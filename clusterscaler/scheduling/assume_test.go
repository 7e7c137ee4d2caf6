package scheduling

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/scheduling/schedulingtest"
)

// On random clusters an expected node makes the difference that an empty node makes that stands: the others answer the same,
// and what it opens is what it opened. Taken back, or undone, it makes none.
func TestExpectedNodesCountAsDomains(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	differs, opened := 0, 0
	for i := range 3000 {
		second, pods := newNaive(schedulingtest.Random(r))
		classes, ids := classesOf(second, pods)
		c := NewCluster(classes)
		last := len(second.nodes) - 1
		for _, node := range second.nodes[:last] {
			c.AddNode(nodeOf(node))
		}
		if last == 0 {
			continue
		}
		for j := range pods {
			c.Fill(ids[j], NodeID(r.IntN(last)), 1)
		}
		template := c.Prepare(*nodeOf(second.nodes[last]))
		answers := func() (out []Misfit) {
			for j, id := range ids {
				for n := range last {
					if !slices.ContainsFunc(classes.Spec(ids[j]).TopologySpread, func(s TopologySpreadConstraint) bool { return individual(s.TopologyKey) }) {
						out = append(out, c.Fits(id, NodeID(n)))
					}
				}
			}
			return out
		}
		before, opens := answers(), c.NewDomain(template)
		mark := c.Mark()
		c.AddCopy(template)
		want := answers()
		if c.NewDomain(template) != "" {
			t.Fatalf("case %d: the node stands and opens %s", i, c.NewDomain(template))
		}
		c.Undo(mark)
		c.AssumeNodes(template, 1)
		if got := answers(); !slices.Equal(got, want) {
			t.Fatalf("case %d: expected: %v\nstanding: %v", i, got, want)
		}
		c.AssumeNodes(template, -1)
		if got := answers(); !slices.Equal(got, before) {
			t.Fatalf("case %d: taken back: %v\nbefore: %v", i, got, before)
		}
		c.Undo(mark)
		if got := answers(); !slices.Equal(got, before) || c.NewDomain(template) != opens {
			t.Fatalf("case %d: undone: %v\nbefore: %v", i, got, before)
		}
		if !slices.Equal(before, want) {
			differs++
			if opens == "" {
				t.Fatalf("case %d: a node that opens no domain makes a difference: %v\nbefore: %v", i, want, before)
			}
		}
		if opens != "" {
			opened++
		}
	}
	if differs < 20 || opened < 200 {
		t.Errorf("hardly any expected node matters: %d of %d that open a domain", differs, opened)
	}
}

// What Fill has placed while nothing else changed is even.
func TestFilledIsEven(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	uneven := 0
	for i := range 2000 {
		second, pods := newNaive(schedulingtest.Random(r))
		classes, ids := classesOf(second, pods)
		c := NewCluster(classes)
		for _, node := range second.nodes {
			c.AddNode(nodeOf(node))
		}
		for j := range pods {
			id, n := ids[j], NodeID(r.IntN(len(second.nodes)))
			if c.Fill(id, n, 1) == 1 && !c.SatisfiesTopologySpread(id, n) {
				t.Fatalf("case %d: Fill makes it uneven", i)
			}
			if !c.SatisfiesTopologySpread(id, n) {
				uneven++
			}
		}
	}
	if uneven < 20 {
		t.Errorf("hardly anything is uneven: %d", uneven)
	}
}
