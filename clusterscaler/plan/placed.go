package plan

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// placed is where pods without a node were placed, in that order. All that a plan says of them is derived from it. To take a
// trial back is to go on with the value of before.
type placed struct {
	*loop
	shares []share
	// upcoming has the group of each node on its way, in the order in which they were added. Of these so many were requested
	// before this plan, which adds the others.
	upcoming  []string
	requested int
	// beforeGrowth is how many shares there were before any group grew.
	beforeGrowth int
}

// share is pods of one class that were placed on a node at once.
type share struct {
	class scheduling.Class
	node  scheduling.NodeID
	pods  []*Pod
	// before is what the loop before has remembered of the pod, where it was placed as it was then.
	before *Placement
}

// spare is whether the pods are headroom; else all of them exist.
func (s *share) spare() bool { return s.pods[0].spare() }

func (p *placed) add(s share) { p.shares = append(p.shares, s) }

// apart is a copy to which shares and nodes may be added apart from this one.
func (p placed) apart() placed {
	p.shares, p.upcoming = slices.Clip(p.shares), slices.Clip(p.upcoming)
	return p
}

// groupAt is the group of a node that stands or is on its way.
func (p *placed) groupAt(id scheduling.NodeID) string {
	if p.stands(id) {
		return p.s.Nodes[id].Group
	}
	return p.upcoming[int(id)-len(p.s.Nodes)]
}

// added is whether the node is one that the plan adds.
func (p *placed) added(id scheduling.NodeID) bool { return int(id)-len(p.s.Nodes) >= p.requested }

// onStanding has, for nodes that stand, the pods that fit on them.
func (p *placed) onStanding() map[scheduling.NodeID][]*Pod {
	out := map[scheduling.NodeID][]*Pod{}
	for i := range p.shares {
		if s := &p.shares[i]; p.stands(s.node) {
			out[s.node] = append(out[s.node], s.pods...)
		}
	}
	return out
}

// onAdded has the pods of each node that the plan adds.
func (p *placed) onAdded() map[scheduling.NodeID][]share {
	out := map[scheduling.NodeID][]share{}
	for _, s := range p.shares {
		if p.added(s.node) {
			out[s.node] = append(out[s.node], s)
		}
	}
	return out
}

// remembered is what the next loop must know of where the pods were placed, in their order.
func (p *placed) remembered() map[string]*Placement {
	n := 0
	for i := range p.shares {
		n += len(p.shares[i].pods)
	}
	out := make(map[string]*Placement, n)
	var room []Placement // many share an allocation
	for i := range p.shares {
		s := &p.shares[i]
		if s.spare() {
			continue
		}
		on := p.placementOn(s)
		for _, pod := range s.pods {
			if on.Order = len(out); s.before != nil && s.before.Order == on.Order {
				out[pod.Name] = s.before
				continue
			}
			if len(room) == cap(room) {
				room = make([]Placement, 0, 256)
			}
			room = append(room, on)
			out[pod.Name] = &room[len(room)-1]
		}
	}
	return out
}

// placementOn is the Placement of the pods, but for their order.
func (p *placed) placementOn(s *share) Placement {
	if s.before != nil {
		return *s.before
	}
	since := p.now
	if p.stands(s.node) {
		n := p.s.Nodes[s.node]
		if !p.starting(s.node) {
			return Placement{Node: n.Name}
		}
		since = n.Created
	}
	return Placement{Group: p.groupAt(s.node), Since: since.Truncate(time.Second)}
}

// spreadOn is a class with spread constraints, and the node that pods of it wait for, or the group of such nodes.
type spreadOn struct {
	class scheduling.Class
	on    string
}

// waitedFor has, for each class with spread constraints and each group whose nodes pods of it wait for, one of these nodes;
// and each node that stands and takes such pods only as others come.
func (p *placed) waitedFor() map[spreadOn]scheduling.NodeID {
	out := map[spreadOn]scheduling.NodeID{}
	for i := range p.shares {
		if on, waits := p.waitsOn(i, &p.shares[i]); waits {
			out[on] = p.shares[i].node
		}
	}
	return out
}

// waitsOn is what the pods, which were placed as the i-th, wait for, if they have spread constraints.
func (p *placed) waitsOn(i int, s *share) (spreadOn, bool) {
	switch {
	case len(p.s.Classes.Spec(s.class).TopologySpread) == 0:
		return spreadOn{}, false
	case !p.stands(s.node):
		return spreadOn{s.class, p.groupAt(s.node)}, true
	default:
		return spreadOn{s.class, p.s.Nodes[s.node].Name}, i >= p.beforeGrowth || p.starting(s.node)
	}
}
