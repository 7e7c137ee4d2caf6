package kubesched

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// deviceQuestion is all that the answer about the devices of a node depends on, for pods whose claims nobody shares and have
// none yet: what the claims ask for, what devices the node has, and which of them are taken. It is the same for nodes that are alike.
type deviceQuestion struct {
	kind  string
	shape string
	taken string
}

// question is the one about the node, if it is such a one. pools are then the node's, in the order in which those of like nodes
// are listed.
func (s *Sitting) question(d *demand, at int, name string, p *place) (q deviceQuestion, pools []pool, ok bool) {
	x := s.view.slices
	if d.kind == "" || len(x.anywhere) > 0 || s.anyMet(d, at) {
		return q, nil, false
	}
	q.kind = d.kind
	like := name
	if p.profile.like != "" {
		like = p.profile.like
	}
	if q.shape, ok = x.shape(like, p.profile.like != ""); !ok {
		return q, nil, false
	}
	pools = x.byNode[like]
	if p.profile.like != "" {
		pools = slices.Clone(pools)
	}
	var taken []string
	for i := range pools {
		if p.profile.like != "" {
			pools[i] = pools[i].of(name)
		}
		text, told := s.takenText(pools[i])
		taken, ok = append(taken, text), ok && told
	}
	q.taken = strings.Join(taken, "|")
	return q, pools, ok
}

// anyMet is whether one of the claims has devices.
func (s *Sitting) anyMet(d *demand, at int) bool {
	for _, name := range d.devices[at] {
		if c := s.claim(name); c == nil || c.Status.Allocation != nil {
			return true
		}
	}
	return false
}

// shape is equal for nodes of which the slices differ by the names of pools and slices alone; like is that of new nodes like this
// one. A node that shares a pool with others has none.
func (x *sliceIndex) shape(node string, like bool) (text string, ok bool) {
	key := shapeKey{node, like}
	if text, known := x.shapes[key]; known {
		return text, text != ""
	}
	var parts []string
	ok = true
	for _, p := range x.byNode[node] {
		own := x.ownSlices(p, node)
		ok = ok && len(own) == len(x.byPool[p])
		for _, s := range own {
			spec := s.Spec.DeepCopy()
			spec.NodeName, spec.Pool.Name = nil, ""
			if like {
				withoutTaints(spec)
			}
			parts = append(parts, inJSON(spec))
		}
		parts = append(parts, p.driver)
	}
	if ok {
		text = digest(strings.Join(parts, "\n"))
	}
	x.shapes[key] = text
	return text, ok
}

type shapeKey struct {
	node string
	like bool
}

// of is the pool that a new node has in its place.
func (p pool) of(node string) pool { return pool{p.driver, fmt.Sprintf("%s of %s", p.name, node)} }

// withoutTaints drops what taints the devices of a node: it does not taint those of a new one.
func withoutTaints(s *resourcev1.ResourceSliceSpec) {
	for i := range s.Devices {
		s.Devices[i].Taints = nil
	}
}

// deviceAnswer is what the plugin says to a deviceQuestion, and the devices that it gives to a pod with one claim, once it
// has been asked for them.
type deviceAnswer struct {
	refusal    scheduling.Refusal
	allocation *resourcev1.AllocationResult
	// pools are those that the allocation names, and node is the node.
	pools []pool
	node  string
}

// on is the allocation on a node that is alike.
func (a *deviceAnswer) on(node string, pools []pool) *resourcev1.AllocationResult {
	out := a.allocation.DeepCopy()
	for i := range out.Devices.Results {
		r := &out.Devices.Results[i]
		if at := slices.Index(a.pools, pool{r.Driver, r.Pool}); at >= 0 {
			r.Pool = pools[at].name
		}
	}
	if out.NodeSelector != nil {
		for i := range out.NodeSelector.NodeSelectorTerms {
			rename(out.NodeSelector.NodeSelectorTerms[i].MatchFields, a.node, node)
		}
	}
	return out
}

func rename(fields []corev1.NodeSelectorRequirement, from, to string) {
	for i := range fields {
		for j, value := range fields[i].Values {
			if value == from {
				fields[i].Values[j] = to
			}
		}
	}
}
