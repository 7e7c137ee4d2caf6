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
	pod *Pod
}

// spareCount is where the pods of a headroom were placed: on nodes that stand (fits), on nodes on their way (coming), and on
// nodes that the plan adds (adds). group is the last one that grows for it.
type spareCount struct {
	fits, coming, adds int
	group              string
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
// scheduler places them. It returns what is left.
func (w *world) placeSpares(p *placed) []batch {
	var pods []*Pod
	for _, s := range w.spares {
		pods = append(pods, slices.Repeat([]*Pod{s.pod}, s.Count)...)
	}
	left := batched(pods)
	for i := range left {
		w.placeOnExisting(&left[i], p)
	}
	return unplaced(left)
}

// before orders pods that exist before headroom, and headroom by its priority.
func (b *batch) before(other *batch) int {
	mine, others := b.pods[0].spare(), other.pods[0].spare()
	if mine && others {
		return cmp.Compare(other.priority, b.priority)
	}
	return first(!mine, !others)
}

// spareCounts are those of the headrooms, in their order, and by how much each group grows for them.
func (p *placed) spareCounts(spares []*spare) (counts []spareCount, growth map[string]int) {
	counts, growth = make([]spareCount, len(spares)), map[string]int{}
	for i := range p.shares {
		s := &p.shares[i]
		if !s.spare() {
			continue
		}
		c, n := &counts[slices.Index(spares, s.pods[0].spareOf)], len(s.pods)
		switch {
		case p.stands(s.node):
			c.fits += n
		case !p.added(s.node):
			c.coming += n
		default:
			c.adds += n
			c.group = p.groupAt(s.node)
			growth[c.group] += n
		}
	}
	return counts, growth
}

// reportSpares says how the headrooms stand after the plan. Where nothing grew at all, instead and facts say why.
func (d *growing) reportSpares(counts []spareCount, instead verdict.Code, facts []verdict.Fact) []HeadroomState {
	var out []HeadroomState
	for i, s := range d.spares {
		c := &counts[i]
		h := HeadroomState{Name: s.Name, Fits: c.fits, Coming: c.coming + c.adds, Missing: s.Count - c.fits - c.coming - c.adds}
		about := []verdict.Fact{verdict.Number("fit", h.Fits), verdict.Number("coming", h.Coming), verdict.Number("of", s.Count)}
		code := instead
		switch {
		case h.Missing > 0 && instead != "":
			about = append(about, facts...)
		case h.Missing > 0:
			code = NotTriggerScaleUp
			h.Why = d.whyNot(s.pod.Class)
			about = append(about, summary(h.Why))
		case c.adds > 0:
			code = TriggeredScaleUp
			about = append(about, verdict.Text("group", c.group))
		case c.coming > 0:
			code = FitsUpcomingNode
		default:
			code = FitsNow
		}
		h.Verdict = verdict.Because(verdict.On(headroomKind, s.Name), code, about...)
		out = append(out, h)
	}
	return out
}

// existing are the pods that are no headroom.
func existing(pods []*Pod) []*Pod {
	return slices.DeleteFunc(slices.Clone(pods), (*Pod).spare)
}
