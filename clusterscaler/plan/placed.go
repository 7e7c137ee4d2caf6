package plan

import (
	"time"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
)

// share is pods of one class that were placed on a node at once.
type share struct {
	class simulate.Class
	node  simulate.NodeID
	pods  []*Pod
	// before is what the loop before has remembered of the pod, where it was placed as it was then.
	before *Placement
}

// settledOn has, for nodes that stand, the pods without a node that fit on them.
func (d *decision) settledOn() map[simulate.NodeID][]*Pod {
	out := map[simulate.NodeID][]*Pod{}
	for i := range d.placed {
		if s := &d.placed[i]; int(s.node) < len(d.s.Nodes) {
			out[s.node] = append(out[s.node], s.pods...)
		}
	}
	return out
}

// remembered is what the next loop must know of where the pods were placed, in their order.
func (d *decision) remembered() map[string]*Placement {
	n := 0
	for i := range d.placed {
		n += len(d.placed[i].pods)
	}
	out := make(map[string]*Placement, n)
	room := make([]Placement, 0, n)
	for i := range d.placed {
		s := &d.placed[i]
		if s.pods[0].spare() {
			continue
		}
		p := d.placementOn(s)
		for _, pod := range s.pods {
			if p.Order = len(out); s.before != nil && s.before.Order == p.Order {
				out[pod.Name] = s.before
				continue
			}
			room = append(room, p)
			out[pod.Name] = &room[len(room)-1]
		}
	}
	return out
}

// placementOn is the Placement of the pods, but for their order.
func (d *decision) placementOn(s *share) Placement {
	if s.before != nil {
		return *s.before
	}
	since := d.now
	if int(s.node) < len(d.s.Nodes) {
		n := d.s.Nodes[s.node]
		if !d.starting(s.node) {
			return Placement{Node: n.Name}
		}
		since = n.Created
	}
	return Placement{Group: d.groupAt(s.node), Since: since.Truncate(time.Second)}
}

// groupAt is the group of a node that stands or is on its way.
func (d *decision) groupAt(id simulate.NodeID) string {
	if coming := int(id) - len(d.s.Nodes); coming >= 0 {
		return d.upcoming[coming]
	}
	return d.s.Nodes[id].Group
}

// added is whether the node is one that the plan adds.
func (d *decision) added(id simulate.NodeID) bool { return int(id)-len(d.s.Nodes) >= d.requested }

// onAdded has the pods of each node that the plan adds.
func (d *decision) onAdded() map[simulate.NodeID][]share {
	out := map[simulate.NodeID][]share{}
	for _, s := range d.placed {
		if d.added(s.node) {
			out[s.node] = append(out[s.node], s)
		}
	}
	return out
}

// spreadOn is a class with spread constraints, and the node that pods of it wait for, or the group of such nodes.
type spreadOn struct {
	class simulate.Class
	on    string
}

// waitedFor has, for each class with spread constraints and each group whose nodes pods of it wait for, one of these nodes;
// and each node that stands and takes such pods only as others come.
func (d *decision) waitedFor() map[spreadOn]simulate.NodeID {
	out := map[spreadOn]simulate.NodeID{}
	for i := range d.placed {
		if on, waits := d.waitsOn(i, &d.placed[i]); waits {
			out[on] = d.placed[i].node
		}
	}
	return out
}

// waitsOn is what the pods, which were placed as the i-th, wait for, if they have spread constraints.
func (d *decision) waitsOn(i int, s *share) (spreadOn, bool) {
	switch {
	case len(d.s.Classes.Spec(s.class).Spread) == 0:
		return spreadOn{}, false
	case int(s.node) >= len(d.s.Nodes):
		return spreadOn{s.class, d.groupAt(s.node)}, true
	default:
		return spreadOn{s.class, d.s.Nodes[s.node].Name}, i >= d.before || d.starting(s.node)
	}
}
