package plan

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Explanation is all that one loop has to say about a pod or a node.
type Explanation struct {
	verdict.Verdict
	// Group is the one that grows for the pod, or that the node belongs to.
	Group string
	// Groups has a verdict on each group for a pod that needs a node, by the names of the groups.
	Groups []verdict.Verdict
	// Pods has a verdict on each pod of a node: whether it keeps the node.
	Pods []verdict.Verdict
	// Moves is where the pods of a node fit that is not needed.
	Moves []Move
}

// Reasons has, for each class of pods that need a node, why groups cannot take them. It tells of the groups as they stood
// before any grew.
type Reasons map[scheduling.Class][]verdict.Verdict

// reasons are why groups cannot take the pods that need a node, as the groups stand before any has grown.
func (l *loop) reasons() Reasons {
	there := observe(l)
	w := newWorld(l, &there)
	n := placePending(w)
	d := growingFrom(w, noGrowth(w, &n))
	for i := range d.groups {
		_, d.groups[i].blocked = d.room(&d.groups[i])
	}
	out := make(Reasons, len(d.batches))
	for _, b := range d.batches {
		if _, known := out[b.class]; !known {
			out[b.class] = d.whyNot(b.class)
		}
	}
	return out
}

// Fill adds the reasons to the pods of the plan that a group grows for. The snapshot is that of the plan.
func (r Reasons) Fill(s *Snapshot, plan *Plan) {
	classes := make(map[string]scheduling.Class, len(s.Pods))
	for _, pod := range s.Pods {
		classes[pod.Name] = pod.Class
	}
	for i := range plan.Pending {
		if p := &plan.Pending[i]; p.Group != "" {
			p.Why = r.beside(classes[p.Pod], p.Group)
		}
	}
}

// beside are the reasons of all groups but the one that grows: what grew first may have made it a place.
func (r Reasons) beside(class scheduling.Class, group string) []verdict.Verdict {
	var out []verdict.Verdict
	for _, v := range r[class] {
		if v.Subject != groupSubject(group) {
			out = append(out, v)
		}
	}
	return out
}

// ExplainPod says what the plan, which was made of the snapshot, decided on the pod, and why each group takes it or not.
// Reasons are asked for those of the plan where it needs them.
func ExplainPod(s *Snapshot, plan *Plan, reasons func() Reasons, p Policy, now time.Time, name string) (Explanation, bool) {
	i := slices.IndexFunc(s.Pods, func(pod *Pod) bool { return pod.Name == name })
	if i < 0 {
		return Explanation{}, false
	}
	pod := s.Pods[i]
	if pod.State == Bound {
		return Explanation{Verdict: s.keeps(pod, p, now)}, true
	}
	i = slices.IndexFunc(plan.Pending, func(pending PendingPod) bool { return pending.Pod == name })
	if i < 0 {
		return Explanation{}, false
	}
	pending := &plan.Pending[i]
	out := Explanation{Verdict: pending.Verdict, Group: pending.Group}
	switch pending.Verdict.Code {
	case TriggeredScaleUp:
		out.Groups = verdictsOnGroups(plan, reasons().beside(pod.Class, pending.Group))
	case NotTriggerScaleUp:
		out.Groups = verdictsOnGroups(plan, pending.Why)
	}
	return out, true
}

// ExplainHeadroom says what the plan has for the headroom, and of a group that cannot take what is missing why.
func ExplainHeadroom(plan *Plan, name string) (Explanation, bool) {
	i := slices.IndexFunc(plan.Headroom, func(h HeadroomState) bool { return h.Name == name })
	if i < 0 {
		return Explanation{}, false
	}
	return Explanation{Verdict: plan.Headroom[i].Verdict, Groups: plan.Headroom[i].Why}, true
}

// verdictsOnGroups has for each group why it cannot take the pod, or else what was decided on it.
func verdictsOnGroups(p *Plan, why []verdict.Verdict) []verdict.Verdict {
	out := slices.Clone(why)
	for _, g := range p.Groups {
		if !slices.ContainsFunc(out, func(v verdict.Verdict) bool { return v.Subject == g.Subject }) {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b verdict.Verdict) int { return a.Subject.Compare(b.Subject) })
	return out
}

// keeps says whether the pod, which runs, keeps its node.
func (s *Snapshot) keeps(pod *Pod, p Policy, now time.Time) verdict.Verdict {
	rules := newDrain(p, now, s.Budgets, allowedBy(s.Budgets))
	subject, node := podSubject(pod), verdict.Text("node", pod.Node)
	switch o, rule := rules.drainable(pod); {
	case p.expendable(pod):
		return verdict.Because(subject, EndsWithNode, append([]verdict.Fact{node}, p.expendableFacts(pod)...)...)
	case o == stays:
		return verdict.Because(subject, EndsWithNode, node)
	case o == completes:
		return verdict.Because(subject, BlockedByOnCompletionPod, node)
	case o == blocks:
		return verdict.Because(subject, BlockedByPod, append([]verdict.Fact{node}, rules.blocked(pod, rule)...)...)
	case pod.Constraint != "":
		return verdict.Because(subject, ConstraintNotModelled, node, verdict.Text("constraint", pod.Constraint))
	default:
		return verdict.Because(subject, MovesWithNode, node)
	}
}

// ExplainNode says what the plan, which was made of the snapshot, decided on the node, and what its pods have to do with
// it.
func ExplainNode(s *Snapshot, plan *Plan, p Policy, now time.Time, name string) (Explanation, bool) {
	i := slices.IndexFunc(plan.Nodes, func(n NodeVerdict) bool { return n.Node == name })
	if i < 0 {
		return Explanation{}, false
	}
	n := &plan.Nodes[i]
	out := Explanation{Verdict: n.Verdict, Group: n.Group}
	if i := slices.IndexFunc(plan.Unneeded, func(r Removal) bool { return r.Node == name }); i >= 0 {
		out.Moves = plan.Unneeded[i].Moves
	}
	for _, pod := range s.Pods {
		if pod.State == Bound && pod.Node == name {
			out.Pods = append(out.Pods, s.keeps(pod, p, now))
		}
	}
	return out, true
}
