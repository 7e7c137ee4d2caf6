package plan

import (
	"fmt"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Decide plans one loop. The Memory it returns is that of the next; the one given in is not changed.
func Decide(s *Snapshot, m Memory, p Policy, now time.Time) (Plan, Memory) {
	d := observe(s, m, p, now)
	d.addUpcoming()
	d.placePending()
	d.total = d.have()
	d.scaleUp()
	d.scaleDown()
	return d.plan, d.memory
}

// decision is the state of one call of Decide.
type decision struct {
	s      *Snapshot
	policy Policy
	now    time.Time
	memory Memory
	plan   Plan

	// cluster holds the snapshot's nodes first, at their own indices, then those on their way.
	cluster *simulate.Cluster
	groups  []groupState
	byGroup map[string]int
	// on lists the pods of each node, by index into the snapshot: bound ones and those that are about to be.
	on [][]int32
	// batches are the pods that still need a node.
	batches []batch
	// settling holds growth and removal back because the pods that need nodes have only just come.
	settling bool
	// verdicts has one for each pod of the snapshot, at its index; those of bound pods stay empty.
	verdicts []podVerdict
	// before has, under Policy.Explain, why groups could not take the classes of the batches before any grew.
	before map[simulate.Class][]verdict.Verdict
	// upcoming has the group of each node on its way, in the order in which they were added, and then of each
	// that the plan adds.
	upcoming []string
	// requested is how many of the upcoming were on their way before this plan.
	requested int
	// wanted says that some pod needs a node that is not there yet.
	wanted bool
	// total is what the nodes of the cluster have together, as the plan goes.
	total simulate.Resources
	// going names the nodes that are being deleted.
	going map[string]bool
	// ids finds the nodes of the snapshot by name.
	ids map[string]simulate.NodeID
}

// groupState is what a decision knows about a group.
type groupState struct {
	*Group
	// grows is by how much the plan grows the group, for pods.
	grows int
	pods  []string
	// deleting is how many nodes are going.
	deleting int
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
}

type podVerdict struct {
	group   string
	verdict verdict.Verdict
	why     []verdict.Verdict
}

// observe puts the snapshot's nodes and bound pods into a cluster.
func observe(s *Snapshot, m Memory, p Policy, now time.Time) *decision {
	d := &decision{
		s: s, policy: p, now: now, memory: m.clone(),
		cluster:  simulate.NewCluster(s.Classes),
		byGroup:  make(map[string]int, len(s.Groups)),
		on:       make([][]int32, len(s.Nodes)),
		verdicts: make([]podVerdict, len(s.Pods)),
		going:    map[string]bool{},
		ids:      make(map[string]simulate.NodeID, len(s.Nodes)),
	}
	for i := range s.Groups {
		d.byGroup[s.Groups[i].Name] = i
		d.groups = append(d.groups, groupState{
			Group: &s.Groups[i], nodes: alike(&s.Groups[i].Template), misfits: map[simulate.Class]simulate.Misfit{},
		})
	}
	for i := range s.Nodes {
		d.ids[s.Nodes[i].Name] = d.addNode(i)
	}
	for i := range s.Pods {
		pod := &s.Pods[i]
		id, known := d.ids[pod.Node]
		if known && (pod.State == Bound || pod.State == Preempting) && !pod.overdue(now) {
			d.cluster.Place(pod.Class, id, 1)
			d.on[id] = append(d.on[id], int32(i))
		}
	}
	return d
}

// alike is equal for templates of which no pod can tell the nodes apart.
func alike(n *simulate.Node) string {
	return fmt.Sprint(n.Labels, n.Taints, n.Unschedulable, n.Allocatable) // fmt sorts the keys of maps
}

// addNode adds a node of the snapshot as it will be once it is ready.
func (d *decision) addNode(i int) simulate.NodeID {
	n := &d.s.Nodes[i]
	offer := &n.Node
	if d.starting(n) {
		offer = d.onceReady(n)
	}
	id := d.cluster.AddNode(offer)
	if n.Deleting {
		d.going[n.Name] = true
	}
	if n.Deleting || (!n.Ready && !d.starting(n)) {
		d.cluster.Hide(id)
	}
	if g, ours := d.byGroup[n.Group]; ours && n.Deleting {
		d.groups[g].deleting++
	}
	return id
}

// starting is whether the node has registered and is expected to become ready.
func (d *decision) starting(n *Node) bool {
	return !n.Ready && !n.Deleting && d.now.Sub(n.Created) < d.policy.MaxNodeStartupTime
}

// startupTaint is whether a node bears the taint until it is ready.
func startupTaint(key string) bool {
	switch key {
	case "node.kubernetes.io/not-ready", "node.kubernetes.io/network-unavailable", "node.cloudprovider.kubernetes.io/uninitialized":
		return true
	}
	return false
}

// onceReady is the node without the taints of its start, and with its group's resources where it has
// not reported its own.
func (d *decision) onceReady(n *Node) *simulate.Node {
	offer := n.Node
	offer.Taints = nil
	for _, t := range n.Taints {
		if !startupTaint(t.Key) {
			offer.Taints = append(offer.Taints, t)
		}
	}
	if g, ours := d.byGroup[n.Group]; ours && offer.Allocatable.Pods == 0 {
		offer.Allocatable = d.groups[g].Template.Allocatable
	}
	return &offer
}

// addTemplate adds a new node of the group, with the DaemonSet pods that it will run.
func (d *decision) addTemplate(g *groupState) simulate.NodeID {
	if !g.prepared {
		g.template, g.prepared = d.cluster.Prepare(g.Template), true
	}
	id := d.cluster.AddCopy(g.template)
	for _, ds := range d.s.DaemonSets {
		if d.cluster.Suits(ds.Class, id) {
			d.cluster.Place(ds.Class, id, 1)
		}
	}
	return id
}

// addUpcoming adds the nodes that were requested and have not registered. A group whose nodes have not
// come for MaxNodeProvisionTime is backed off, and they are no longer counted on.
func (d *decision) addUpcoming() {
	registered := make([]int, len(d.groups))
	for i := range d.s.Nodes {
		if g, ours := d.byGroup[d.s.Nodes[i].Group]; ours {
			registered[g]++
		}
	}
	for i := range d.groups {
		g := &d.groups[i]
		missing := g.Target - registered[i]
		if missing <= 0 {
			delete(d.memory.AwaitedSince, g.Name)
			continue
		}
		since, known := d.memory.AwaitedSince[g.Name]
		if !known {
			since = d.now
			d.memory.AwaitedSince[g.Name] = since
		}
		if due := since.Add(d.policy.MaxNodeProvisionTime); !d.now.Before(due) {
			if d.memory.Backoffs[g.Name].Failed.Before(due) { // not yet noted
				d.memory = d.memory.ScaleUpFailed(g.Name, d.policy, d.now)
			}
			continue
		}
		d.plan.nextBy(since.Add(d.policy.MaxNodeProvisionTime))
		for range missing {
			d.addTemplate(g)
			d.upcoming = append(d.upcoming, g.Name)
		}
	}
	d.requested = len(d.upcoming)
}
