package plan

import (
	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// readiness counts nodes by how they take part. A node that is being deleted is none of these.
type readiness struct {
	ready, starting, unready int
}

func (r readiness) nodes() int { return r.ready + r.starting + r.unready }

func (r *readiness) add(n *Node, s stage) {
	switch {
	case n.Deleting:
	case n.Ready:
		r.ready++
	case s == stageStarting:
		r.starting++
	default:
		r.unready++
	}
}

// tooManyUnready is whether so many nodes have broken that the cause is likely not theirs, and to answer with more
// nodes, or fewer, would make it worse.
func (p *Policy) tooManyUnready(r readiness) bool {
	return r.unready > p.OkTotalUnreadyCount && float64(r.unready)*100 > p.MaxTotalUnreadyPercentage*float64(r.nodes())
}

func unreadyFacts(r readiness) []verdict.Fact {
	return []verdict.Fact{verdict.Number("unready", r.unready), verdict.Number("nodes", r.nodes())}
}

// judgeHealth counts the nodes of the cluster and of each group.
func (d *decision) judgeHealth() {
	for i, n := range d.s.Nodes {
		d.readiness.add(n, d.kept.stages[i])
		if g, ours := d.byGroup[n.Group]; ours {
			d.groups[g].readiness.add(n, d.kept.stages[i])
		}
	}
	code := ClusterHealthy
	if d.policy.tooManyUnready(d.readiness) {
		code = ClusterUnhealthy
	}
	d.plan.Cluster = verdict.Because("cluster", code, unreadyFacts(d.readiness)...)
}

func (d *decision) unhealthy() bool { return d.plan.Cluster.Code == ClusterUnhealthy }

// doNothing gives everything the verdict that the cluster is not healthy. What nodes have waited for is forgotten: once
// they are well again they must be unneeded for the whole time.
func (d *decision) doNothing() {
	facts := d.plan.Cluster.Facts
	for _, b := range d.batches {
		for _, pod := range b.pods {
			d.say(pod, ClusterUnhealthy, facts...)
		}
	}
	d.batches = nil
	for i := range d.groups {
		d.groups[i].verdict = verdict.Because(groupSubject(d.groups[i].Name), ClusterUnhealthy, facts...)
	}
	d.reportGroups()
	d.reportPods()
	d.plan.Nodes = make([]NodeVerdict, len(d.s.Nodes))
	for i, n := range d.s.Nodes {
		used, _ := d.utilization(simulate.NodeID(i))
		d.plan.Nodes[i] = NodeVerdict{Node: n.Name, Group: n.Group, Utilization: used}
		d.keep(simulate.NodeID(i), ClusterUnhealthy, facts...)
	}
	d.remember()
}
