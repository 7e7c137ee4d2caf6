package plan

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Decide plans one loop. The Memory it returns is that of the next; the one given in is not changed.
func Decide(s *Snapshot, m Memory, p Policy, now time.Time) (Plan, Memory) {
	return new(Planner).Decide(s, m, p, now)
}

func (d *decision) decide() {
	d.resumeDeletions()
	d.addUpcoming()
	d.placePending()
	d.settle()
	d.total = d.have()
	d.plan.Capacity = d.total
	if d.judgeHealth(); d.unhealthy() {
		d.doNothing()
	} else {
		d.scaleUp()
		d.scaleDown()
	}
	d.memory.Planned = d.remembered()
	d.memory.Answers = nil // the next loop asks anew
}

// decision is the state of one call of Decide.
type decision struct {
	s      *Snapshot
	policy Policy
	now    time.Time
	memory Memory
	// planned is what the loops before planned.
	planned map[string]*Placement
	plan    Plan

	kept *kept
	// cluster is that of kept: the snapshot's nodes, and then those on their way, which mark is before.
	cluster *simulate.Cluster
	mark    simulate.Mark
	groups  []groupState
	byGroup map[string]int
	// known has for each of kept.groupNames the index of the group, -1 where there is none of that name.
	known []int
	// placed has where pods were placed, in that order, and before is how many shares that were before growth.
	placed []share
	before int
	// settled has for nodes that stand the pods without a node that fit on them, once nothing is placed any more.
	settled map[simulate.NodeID][]*Pod
	// needing are the pods that needed a node when the loop began; those in batches still do.
	needing []*Pod
	batches []batch
	// settling holds growth and removal back because the pods that need nodes have only just come.
	settling bool
	// said are verdicts on pods for which no place is looked for.
	said []saidOf
	// upcoming has the group of each node on its way, in the order in which they were added, and then of each
	// that the plan adds.
	upcoming []string
	// requested is how many of the upcoming were on their way before this plan.
	requested int
	// spares are the headrooms.
	spares []*spare
	// wanted says that some pod needs a node that is not there yet.
	wanted bool
	// dropped is how many nodes the plan has dropped again.
	dropped int
	// facts are those of verdicts of which there are many, with room for more.
	facts []verdict.Fact
	// total is what the nodes of the cluster have together, as the plan goes.
	total simulate.Resources
}

// groupState is what a decision knows about a group.
type groupState struct {
	*Group
	// policy is that of this group.
	policy *Policy
	// grows is by how much the plan grows the group, for pods.
	grows int
	// limited is whether pods wait for a later loop in which it can grow again, and shut that it must open no domain.
	limited, shut bool
	// deleting is how many nodes are going that the size still counts, and lost how many were requested, have not come and are given up.
	deleting, lost int
	readiness      Readiness
	// blocked is why the group cannot grow; the zero value when it can.
	blocked verdict.Verdict
	verdict verdict.Verdict
	// misfits holds, for classes asked about, why a pod does not fit on an empty new node.
	misfits map[simulate.Class]simulate.Misfit
	// nodes is equal for groups whose new nodes are equal.
	nodes string
	// kin are the groups with similar nodes, once they have been looked for.
	kin []*groupState
	// template is what copies are made of, once it is prepared.
	template simulate.Template
	prepared bool
	// missing are the DaemonSets that do not run on the group's example, once they have been looked for.
	missing []DaemonSet
}

// saidOf is a verdict on a pod of kept.waiting.
type saidOf struct {
	at      int
	verdict verdict.Verdict
}

// decision begins one on what is kept, which is as it was once the cluster is back at its mark.
func (k *kept) decision(s *Snapshot, m Memory, p Policy, now time.Time) *decision {
	d := &decision{
		s: s, policy: p, now: now, memory: m.clone(), planned: m.Planned,
		kept: k, cluster: k.cluster, mark: k.cluster.Mark(),
		byGroup: make(map[string]int, len(s.Groups)),
		spares:  spares(s, &p),
	}
	for i := range s.Groups {
		d.byGroup[s.Groups[i].Name] = i
		d.groups = append(d.groups, groupState{
			Group: &s.Groups[i], policy: s.Groups[i].Options.in(&d.policy), nodes: alike(&s.Groups[i]), misfits: map[simulate.Class]simulate.Misfit{},
		})
	}
	d.known = make([]int, len(k.groupNames))
	for i, name := range k.groupNames {
		d.known[i] = -1
		if g, ours := d.byGroup[name]; ours {
			d.known[i] = g
		}
	}
	for _, id := range k.going {
		if g, ours := d.byGroup[k.nodes[id].Group]; ours && !d.deleted(k.nodes[id]) {
			d.groups[g].deleting++
		}
	}
	return d
}

// groupOf is the index of the node's group, if it is of one.
func (d *decision) groupOf(id simulate.NodeID) (g int, ours bool) {
	g = d.known[d.kept.groupOf[id]]
	return g, g >= 0
}

// policyOf is the policy for a node: that of its group, if it is of one.
func (d *decision) policyOf(id simulate.NodeID) (p *Policy, ours bool) {
	if g, ours := d.groupOf(id); ours {
		return d.groups[g].policy, true
	}
	return &d.policy, false
}

// keepFacts copies the facts into memory that those of many verdicts share.
func (d *decision) keepFacts(facts ...verdict.Fact) []verdict.Fact {
	if cap(d.facts)-len(d.facts) < len(facts) {
		d.facts = make([]verdict.Fact, 0, 512)
	}
	n := len(d.facts)
	d.facts = append(d.facts, facts...)
	return d.facts[n:len(d.facts):len(d.facts)]
}

// podsOn are the pods that run on the node or are about to.
func (d *decision) podsOn(id simulate.NodeID) iter.Seq[*Pod] {
	return func(yield func(*Pod) bool) {
		for _, pod := range d.kept.on[id] {
			if !yield(pod) {
				return
			}
		}
		for _, pod := range d.settled[id] {
			if !yield(pod) {
				return
			}
		}
	}
}

// empty is whether no pod would have to leave the node.
func (d *decision) empty(id simulate.NodeID) bool {
	for pod := range d.podsOn(id) {
		if !pod.fixed() && !pod.spare() {
			return false
		}
	}
	return true
}

// alike is equal for groups of which no pod can tell the new nodes apart.
func alike(g *Group) string {
	n := &g.Template
	return fmt.Sprint(n.Labels, n.Taints, n.Unschedulable, n.Allocatable, n.Features, n.Profile, g.Live, g.Runs, g.Options.ZeroOrMax) // fmt sorts the keys of maps
}

// starting is whether the node has registered and is expected to become ready.
func (d *decision) starting(id simulate.NodeID) bool {
	return d.kept.stages[id] == stageStarting
}

// runs is whether the node is ready, and offers all that it will.
func (d *decision) runs(id simulate.NodeID) bool {
	return d.s.Nodes[id].Ready && !d.starting(id)
}

// addTemplate adds a new node of the group, with the DaemonSet pods that it will run.
func (d *decision) addTemplate(g *groupState) simulate.NodeID {
	id := d.cluster.AddCopy(d.templateOf(g))
	for _, r := range g.Runs {
		d.cluster.Place(r.Class, id, 1)
	}
	for _, ds := range d.daemonSets(g) {
		if d.cluster.Suits(ds.Class, id) {
			d.cluster.Place(ds.Class, id, 1)
		}
	}
	return id
}

// templateOf is what new nodes of the group are copies of.
func (d *decision) templateOf(g *groupState) simulate.Template {
	if !g.prepared {
		g.template, g.prepared = d.cluster.Prepare(g.Template), true
	}
	return g.template
}

// daemonSets are those that run on new nodes of the group if they suit them, beside what is known to run there.
func (d *decision) daemonSets(g *groupState) []DaemonSet {
	switch {
	case !g.Live:
		return d.s.DaemonSets
	case !d.policy.ForceDaemonSets:
		return nil
	case g.missing == nil:
		g.missing = []DaemonSet{}
		for _, ds := range d.s.DaemonSets {
			if !slices.ContainsFunc(g.Runs, func(r Running) bool { return r.DaemonSet == ds.Name }) {
				g.missing = append(g.missing, ds)
			}
		}
	}
	return g.missing
}
