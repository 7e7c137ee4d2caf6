package plan

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
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
		return
	}
	d.scaleUp()
	d.scaleDown()
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
	cluster *scheduling.Cluster
	mark    scheduling.Mark
	groups  []groupState
	byGroup map[string]int
	// known has for each of kept.groupNames the index of the group, -1 where there is none of that name.
	known []int
	// settled has for nodes that stand the pods without a node that fit on them.
	settled map[scheduling.NodeID][]*Pod
	// onWay has, for each class with spread constraints and each group whose nodes pods of it wait for, one of these nodes; and
	// each node that stands and takes such pods only as others come. growing says that what is placed now is.
	onWay   map[spreadOn]scheduling.NodeID
	growing bool
	// added has the pods of each node that the plan adds.
	added map[scheduling.NodeID][]share
	// needing are the pods that needed a node when the loop began; those in batches still do.
	needing []*Pod
	batches []batch
	// settling holds growth and removal back because the pods that need nodes have only just come.
	settling bool
	// verdicts are on the pods that are not bound, in the order of kept.waiting.
	verdicts []podVerdict
	// upcoming has the group of each node on its way, in the order in which they were added, and then of each
	// that the plan adds.
	upcoming []string
	// requested is how many of the upcoming were on their way before this plan.
	requested int
	// spares are the headrooms.
	spares []*spare
	// wanted says that some pod needs a node that is not there yet.
	wanted bool
	// moved is how many pods have moved since the placements were numbered, and dropped how many nodes the plan has dropped again.
	moved, dropped int
	// placements are those of this loop, with room for more.
	placements []Placement
	// facts are those of verdicts of which there are many, with room for more.
	facts []verdict.Fact
	// total is what the nodes of the cluster have together, as the plan goes.
	total scheduling.Resources
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
	// spares is how many of headrooms it grows for.
	spares int
	// deleting is how many nodes are going that the size still counts, and lost how many were requested, have not come and are given up.
	deleting, lost int
	readiness      Readiness
	// blocked is why the group cannot grow; the zero value when it can.
	blocked verdict.Verdict
	verdict verdict.Verdict
	// misfits holds, for classes asked about, why a pod does not fit on an empty new node.
	misfits map[scheduling.Class]scheduling.Misfit
	// nodes is equal for groups whose new nodes are equal.
	nodes string
	// kin are the groups with similar nodes, once they have been looked for.
	kin []*groupState
	// template is what copies are made of, once it is prepared.
	template scheduling.Template
	prepared bool
	// missing are the DaemonSets that do not run on the group's example, once they have been looked for.
	missing []DaemonSet
}

type podVerdict struct {
	group   string
	verdict verdict.Verdict
	why     []verdict.Verdict
}

// decision begins one on what is kept, which is as it was once the cluster is back at its mark.
func (k *kept) decision(s *Snapshot, m Memory, p Policy, now time.Time) *decision {
	d := &decision{
		s: s, policy: p, now: now, memory: m.clone(), planned: m.Planned,
		kept: k, cluster: k.cluster, mark: k.cluster.Mark(),
		byGroup:  make(map[string]int, len(s.Groups)),
		settled:  map[scheduling.NodeID][]*Pod{},
		onWay:    map[spreadOn]scheduling.NodeID{},
		added:    map[scheduling.NodeID][]share{},
		verdicts: make([]podVerdict, len(k.waiting)),
		spares:   spares(s, &p),
	}
	d.memory.Planned = make(map[string]*Placement, len(m.Planned))
	for i := range s.Groups {
		d.byGroup[s.Groups[i].Name] = i
		d.groups = append(d.groups, groupState{
			Group: &s.Groups[i], policy: s.Groups[i].Options.in(&d.policy), nodes: alike(&s.Groups[i]), misfits: map[scheduling.Class]scheduling.Misfit{},
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
func (d *decision) groupOf(id scheduling.NodeID) (g int, ours bool) {
	g = d.known[d.kept.groupOf[id]]
	return g, g >= 0
}

// policyOf is the policy for a node: that of its group, if it is of one.
func (d *decision) policyOf(id scheduling.NodeID) (p *Policy, ours bool) {
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
func (d *decision) podsOn(id scheduling.NodeID) iter.Seq[*Pod] {
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
func (d *decision) empty(id scheduling.NodeID) bool {
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
	return fmt.Sprint(n.Labels, n.Taints, n.Unschedulable, n.Allocatable, n.Features, n.Profile, g.Live, g.Runs, g.Options.AllOrNothing) // fmt sorts the keys of maps
}

// starting is whether the node has registered and is expected to become ready.
func (d *decision) starting(id scheduling.NodeID) bool {
	return d.kept.stages[id] == stageStarting
}

// runs is whether the node is ready, and offers all that it will.
func (d *decision) runs(id scheduling.NodeID) bool {
	return d.s.Nodes[id].Ready && !d.starting(id)
}

// addTemplate adds a new node of the group, with the DaemonSet pods that it will run.
func (d *decision) addTemplate(g *groupState) scheduling.NodeID {
	id := d.cluster.AddCopy(d.templateOf(g))
	for _, r := range g.Runs {
		d.cluster.Place(r.Class, id, 1)
	}
	for _, ds := range d.daemonSets(g) {
		if d.cluster.MatchesNode(ds.Class, id) {
			d.cluster.Place(ds.Class, id, 1)
		}
	}
	return id
}

// templateOf is what new nodes of the group are copies of.
func (d *decision) templateOf(g *groupState) scheduling.Template {
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
