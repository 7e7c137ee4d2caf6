package plan

import (
	"cmp"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Headroom is room that is kept for pods to come: so many of that kind, none of which exists.
type Headroom struct {
	Name  string
	Count int
	// Spec is what each asks for. It has no terms about other pods.
	Spec     scheduling.Spec
	Priority int32
}

// HeadroomState is how much of a headroom there is: the sum of Fits, Coming and Missing is its Count.
type HeadroomState struct {
	Name string
	// Fits have room on nodes that stand, Coming on those on their way, which the plan adds to; Missing have none.
	Fits, Coming, Missing int
	Verdict               verdict.Verdict
	// Why has, when some are missing, a verdict for each group that cannot take them.
	Why []verdict.Verdict
}

// spare is what a decision knows about a headroom. All of its pods are one, which is in no Snapshot.
type spare struct {
	*Headroom
	pod                *Pod
	fits, coming, adds int
	group              string // the last that grows for it
}

// headroomPrefix begins the name of a pod that does not exist; the name of none that does has a space.
const headroomPrefix = headroomKind + " "

// headroomKind is how verdicts call it.
const headroomKind = "headroom"

func (p *Pod) spare() bool { return p.spareOf != nil }

// spares makes the pods of the policy's headrooms.
func spares(s *Snapshot, p *Policy) []*spare {
	out := make([]*spare, len(p.Headroom))
	for i := range p.Headroom {
		h := &p.Headroom[i]
		spec := h.Spec
		spec.NodeSelector, spec.HostPorts = slices.Clone(spec.NodeSelector), slices.Clone(spec.HostPorts)
		out[i] = &spare{Headroom: h}
		out[i].pod = &Pod{Name: headroomPrefix + h.Name, State: Pending, Owner: "Headroom", Priority: h.Priority, Class: s.Classes.Intern(spec), spareOf: out[i]}
	}
	return out
}

// placeSpares puts what fits of the headrooms where the pods that exist have left room: those are placed first, since the
// scheduler places them. What is left joins the batches.
func (d *decision) placeSpares() {
	var pods []*Pod
	for _, s := range d.spares {
		pods = append(pods, slices.Repeat([]*Pod{s.pod}, s.Count)...)
	}
	left := batched(pods)
	for i := range left {
		d.placeOnExisting(&left[i])
	}
	d.batches = append(d.batches, slices.DeleteFunc(left, func(b batch) bool { return len(b.pods) == 0 })...)
}

// before orders pods that exist before headroom, and headroom by its priority.
func (b *batch) before(other *batch) int {
	mine, others := b.pods[0].spare(), other.pods[0].spare()
	if mine && others {
		return cmp.Compare(other.priority, b.priority)
	}
	return first(!mine, !others)
}

// noteSpare counts a pod of a headroom that has been placed on the node.
func (d *decision) noteSpare(pod *Pod, id scheduling.NodeID) {
	s := pod.spareOf
	switch coming := int(id) - len(d.s.Nodes); {
	case coming < 0:
		s.fits++
		d.settled[id] = append(d.settled[id], pod)
	case coming < d.requested:
		s.coming++
	default:
		d.growForSpare(d.upcoming[coming], s)
	}
}

// growForSpare notes that the group grows for one of the headroom.
func (d *decision) growForSpare(group string, s *spare) {
	s.adds++
	s.group = group
	d.groups[d.byGroup[group]].spares++
}

// reportSpares says how the headrooms stand after the plan. Where nothing grew at all, instead and facts say why.
func (d *decision) reportSpares(instead verdict.Code, facts []verdict.Fact) {
	for _, s := range d.spares {
		h := HeadroomState{Name: s.Name, Fits: s.fits, Coming: s.coming + s.adds, Missing: s.Count - s.fits - s.coming - s.adds}
		about := []verdict.Fact{verdict.Number("fit", h.Fits), verdict.Number("coming", h.Coming), verdict.Number("of", s.Count)}
		code := instead
		switch {
		case h.Missing > 0 && instead != "":
			about = append(about, facts...)
		case h.Missing > 0:
			code = NotTriggerScaleUp
			h.Why = d.whyNot(s.pod.Class)
			about = append(about, summary(h.Why))
		case s.adds > 0:
			code = TriggeredScaleUp
			about = append(about, verdict.Text("group", s.group))
		case s.coming > 0:
			code = FitsUpcomingNode
		default:
			code = FitsNow
		}
		h.Verdict = verdict.Because(verdict.On(headroomKind, s.Name), code, about...)
		d.plan.Headroom = append(d.plan.Headroom, h)
	}
}

// spareFact tells that a group grows for headroom too.
func (g *groupState) spareFact() []verdict.Fact {
	if g.spares == 0 {
		return nil
	}
	return []verdict.Fact{verdict.Number("for headroom", g.spares)}
}

// existing are the pods that are no headroom.
func existing(pods []*Pod) []*Pod {
	return slices.DeleteFunc(slices.Clone(pods), (*Pod).spare)
}
