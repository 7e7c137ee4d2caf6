package plan

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// On random clusters every plan keeps what the package promises, and once it has been carried out, the
// next loop adds nothing for the same pods.
func TestPlansKeepTheirPromises(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	grown, removed, longest := 0, 0, 0
	for i := range 3000 {
		s, p := randomSnapshot(r, now)
		first, memory := Decide(s, Memory{}, p, now)
		second, again := Decide(s, Memory{}, p, now)
		if !reflect.DeepEqual(first, second) || !reflect.DeepEqual(memory, again) {
			t.Fatalf("case %d: equal inputs give two plans", i)
		}
		if problem := broken(s, p, &first); problem != "" {
			t.Fatalf("case %d: %s\n%s", i, problem, render(first, memory, now))
		}
		grown += len(first.ScaleUp)
		removed += len(first.ScaleDown)
		after := carriedOut(s, &first)
		next, memory := Decide(after, memory, p, now)
		if helpedTwice(s, &first, &next) {
			t.Fatalf("case %d: the next loop grows again:\n%s\nthen\n%s", i, render(first, memory, now), render(next, memory, now))
		}
		loops := 0
		for ; len(next.ScaleUp) > 0 && loops < 5; loops++ {
			after = carriedOut(after, &next)
			next, memory = Decide(after, memory, p, now)
		}
		if loops == 5 {
			t.Fatalf("case %d: no end of growth:\n%s", i, render(next, memory, now))
		}
		longest = max(longest, loops)
	}
	t.Logf("growth ended after %d further loops at the most", longest)
	if grown < 500 || removed < 500 {
		t.Errorf("the cases hardly plan anything: %d groups grown, %d nodes removed", grown, removed)
	}
}

// helpedTwice is whether the second plan grows a group for a pod that the first had a place for. One
// that the first had to leave out because of a limit may be helped by what the removals make room for. And a pod that must
// be spread and fits now may lose its place to the nodes that were requested in the same plan, if it does not run before they
// count: an empty node is a domain with no pods at all.
func helpedTwice(s *Snapshot, first, next *Plan) bool {
	if spreadOverHosts(s) {
		return false
	}
	for _, p := range first.Pending {
		i := slices.IndexFunc(s.Pods, func(pod *Pod) bool { return pod.Name == p.Pod })
		if p.Verdict.Code == FitsNow && len(s.Classes.Spec(s.Pods[i].Class).TopologySpread) > 0 {
			return false
		}
	}
	leftOut := map[string]bool{}
	for _, p := range first.Pending {
		leftOut[p.Pod] = p.Verdict.Code == NotTriggerScaleUp
	}
	for _, up := range next.ScaleUp {
		for _, pod := range up.Pods {
			if !leftOut[pod] {
				return true
			}
		}
	}
	return false
}

// broken is the first promise that the plan does not keep, judged by adding up and comparing only.
func broken(s *Snapshot, p Policy, plan *Plan) string {
	size, added := map[string]int{}, 0
	for _, g := range s.Groups {
		size[g.Name] = g.Target
	}
	for _, up := range plan.ScaleUp {
		if up.From != size[up.Group] || up.To <= up.From || up.To > up.Max {
			return fmt.Sprintf("growth of %s is out of bounds", up.Group)
		}
		if len(up.Pods) < up.To-up.From {
			return fmt.Sprintf("%s grows by nodes that no pod needs", up.Group)
		}
		added += up.To - up.From
	}
	if p.MaxNodesTotal > 0 && added > 0 && len(s.Nodes)+added > p.MaxNodesTotal {
		return "more nodes than maxNodesTotal"
	}
	free, gone, disrupted := map[string]scheduling.Resources{}, map[string]bool{}, make([]int, len(s.Budgets))
	for _, n := range s.Nodes {
		free[n.Name] = n.Allocatable
	}
	byName := map[string]*Pod{}
	for _, pod := range s.Pods {
		byName[pod.Name] = pod
		if pod.State == Bound {
			free[pod.Node] = free[pod.Node].Plus(s.Classes.Spec(pod.Class).Requests, -1)
		}
	}
	for _, r := range plan.ScaleDown {
		gone[r.Node] = true
		size[r.Group]--
	}
	for _, g := range s.Groups {
		if size[g.Name] < g.Min && g.Target >= g.Min {
			return fmt.Sprintf("%s shrinks below its minimum", g.Name)
		}
	}
	for _, r := range plan.ScaleDown {
		moved := map[string]bool{}
		for _, move := range r.Moves {
			pod := byName[move.Pod]
			moved[move.Pod] = true
			if gone[move.To] {
				return fmt.Sprintf("%s moves to %s, which goes too", move.Pod, move.To)
			}
			free[move.To] = free[move.To].Plus(s.Classes.Spec(pod.Class).Requests, -1)
			for _, b := range pod.Budgets {
				disrupted[b]++
			}
		}
		for _, pod := range s.Pods {
			if pod.Node == r.Node && !pod.fixed() && !moved[pod.Name] {
				return fmt.Sprintf("%s stays behind on %s", pod.Name, r.Node)
			}
		}
	}
	if problem := together(s, plan); problem != "" {
		return problem
	}
	for node, left := range free {
		if left.MilliCPU < 0 || left.Memory < 0 || left.Pods < 0 {
			return fmt.Sprintf("%s is overfull: %+v", node, left)
		}
	}
	for b, n := range disrupted {
		if n > 0 && s.Budgets[b].Allowed < 1 {
			return fmt.Sprintf("budget %s is broken", s.Budgets[b].Name)
		}
	}
	return ""
}

// together is a pod that the plan moves to where another is that one of the two must not be with.
func together(s *Snapshot, plan *Plan) string {
	at, moved := map[string]string{}, map[string]bool{}
	for _, p := range s.Pods {
		if p.State == Bound {
			at[p.Name] = p.Node
		}
	}
	for _, r := range plan.ScaleDown {
		for _, m := range r.Moves {
			at[m.Pod], moved[m.Pod] = m.To, true
		}
	}
	labels := map[string]map[string]string{}
	for _, n := range s.Nodes {
		labels[n.Name] = n.Labels
	}
	for _, a := range s.Pods {
		for _, b := range s.Pods {
			if a.Name == b.Name || !moved[a.Name] && !moved[b.Name] || at[a.Name] == "" || at[b.Name] == "" {
				continue
			}
			for _, t := range s.Classes.Spec(a.Class).PodAntiAffinity {
				chosen := s.Classes.Spec(b.Class).Labels["app"] == t.Pods.Labels.All[0].Values[0]
				if chosen && labels[at[a.Name]][t.TopologyKey] == labels[at[b.Name]][t.TopologyKey] {
					return fmt.Sprintf("%s and %s come together in one %s", a.Name, b.Name, t.TopologyKey)
				}
			}
		}
	}
	return ""
}

// carriedOut is the cluster after the provider has grown the groups and the removed nodes and the pods
// they moved are where the plan says.
func carriedOut(s *Snapshot, plan *Plan) *Snapshot {
	out := *s
	out.Nodes, out.Pods, out.Groups = nil, nil, append([]Group(nil), s.Groups...)
	gone, to, change := map[string]bool{}, map[string]string{}, map[string]int{}
	for _, up := range plan.ScaleUp {
		change[up.Group] += up.To - up.From
	}
	for _, r := range plan.ScaleDown {
		gone[r.Node] = true
		change[r.Group]--
		for _, m := range r.Moves {
			to[m.Pod] = m.To
		}
	}
	for i := range out.Groups {
		out.Groups[i].Target += change[out.Groups[i].Name]
	}
	for _, n := range s.Nodes {
		if !gone[n.Name] {
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, p := range s.Pods {
		if target, moved := to[p.Name]; moved {
			there := *p
			there.Node, there.State = target, Bound
			p = &there
		} else if gone[p.Node] {
			continue
		}
		out.Pods = append(out.Pods, p)
	}
	return &out
}

func randomSnapshot(r *rand.Rand, now time.Time) (*Snapshot, Policy) {
	s := &Snapshot{Classes: &scheduling.Classes{}, Budgets: []Budget{{"default/none", 0}, {"default/some", 1 + r.IntN(3)}}}
	policy := DefaultPolicy()
	policy.IgnoreTimers = true
	policy.Expanders = []Expander{Expanders()[r.IntN(len(Expanders()))]}
	policy.BalanceSimilar = r.IntN(3) == 0
	if r.IntN(3) == 0 {
		policy.MaxNodesTotal = 4 + r.IntN(8)
	}
	classes := make([]scheduling.Class, 4)
	var specs []scheduling.Spec
	for i := range classes {
		spec := scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 100 * (1 + r.Int64N(25)), Memory: (1 + r.Int64N(8)) << 29, Pods: 1}}
		if r.IntN(4) == 0 {
			spec.NodeSelector = []scheduling.Requirement{{Key: "zone", Operator: scheduling.In, Values: []string{"a"}}}
		}
		randomTerm(r, &spec)
		specs = append(specs, spec)
		s.Classes.Learn(&specs[i])
	}
	for i := range classes {
		classes[i] = s.Classes.Intern(specs[i])
	}
	for i := range 1 + r.IntN(3) {
		offer := scheduling.Resources{MilliCPU: 2000 << r.IntN(3), Memory: 4 << 30 << r.IntN(3), Pods: 10 + r.Int64N(20)}
		g := Group{Belief: fleet.Belief{Name: fmt.Sprint("g", i), Min: r.IntN(2), Max: 1 + r.IntN(8), Price: float64(r.IntN(3))}, Capacity: offer}
		g.Template = scheduling.Node{Name: "new", Labels: map[string]string{"zone": []string{"a", "b"}[r.IntN(2)]}, Allocatable: offer}
		for range r.IntN(min(g.Max+1, 5)) {
			n := &Node{Node: g.Template, Group: g.Name, Ready: true, Created: now.Add(-time.Hour)}
			n.Name = fmt.Sprintf("n%02d", len(s.Nodes))
			n.Labels = map[string]string{"zone": g.Template.Labels["zone"], "kubernetes.io/hostname": n.Name}
			s.Nodes = append(s.Nodes, n)
			g.Target++
		}
		s.Groups = append(s.Groups, g)
	}
	place(r, s, classes, now)
	return s, policy
}

// randomTerm makes the pods of every second class be of one of two applications that keep apart, near, or spread.
func randomTerm(r *rand.Rand, s *scheduling.Spec) {
	s.Namespace, s.Labels = "default", map[string]string{"app": []string{"web", "db"}[r.IntN(2)]}
	chosen := scheduling.PodSelector{Namespaces: []string{"default"}, Labels: scheduling.LabelSelector{
		All: []scheduling.Requirement{{Key: "app", Operator: scheduling.In, Values: []string{[]string{"web", "db"}[r.IntN(2)]}}},
	}}
	key := []string{"zone", "kubernetes.io/hostname"}[r.IntN(2)]
	switch r.IntN(6) {
	case 0:
		s.PodAntiAffinity = []scheduling.PodAffinityTerm{{TopologyKey: key, Pods: chosen}}
	case 1:
		s.PodAffinity = []scheduling.PodAffinityTerm{{TopologyKey: key, Pods: chosen}}
	case 2:
		n := r.Int32N(4)
		s.TopologySpread = []scheduling.TopologySpreadConstraint{{TopologyKey: key, MaxSkew: 1 + n%2, MinDomains: 1, HonorTaints: n > 1, Pods: chosen.Labels}}
	}
}

// place fills the nodes at random without overfilling them, and adds pods that have no node.
func place(r *rand.Rand, s *Snapshot, classes []scheduling.Class, now time.Time) {
	c := scheduling.NewCluster(s.Classes)
	for _, n := range s.Nodes {
		c.AddNode(&n.Node)
	}
	for i := range r.IntN(25) {
		pod := &Pod{Name: fmt.Sprintf("default/p%02d", i), Class: classes[r.IntN(len(classes))], Owner: "ReplicaSet", State: Pending, Created: now.Add(-time.Minute)}
		if len(s.Nodes) > 0 && r.IntN(3) > 0 {
			n := r.IntN(len(s.Nodes))
			if c.Fill(pod.Class, scheduling.NodeID(n), 1) == 0 {
				continue
			}
			pod.Node, pod.State = s.Nodes[n].Name, Bound
			switch r.IntN(8) {
			case 0:
				pod.Owner, pod.Eviction = "", Eviction(r.IntN(2))
			case 1:
				pod.Owner = daemonSetKind
			case 2:
				pod.Budgets = []int{r.IntN(2)}
			case 3:
				pod.Owner, pod.Eviction = "", EvictionSafe
			}
		}
		s.Pods = append(s.Pods, pod)
	}
}
