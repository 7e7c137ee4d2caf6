package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Random clusters with zones that have no nodes yet, and pods that are spread over them. When the planned nodes have come
// and the scheduler has placed the pods, in an order of its own, each that a node was requested for runs, and the next
// loop adds no node for it and takes none of the new ones away.
func TestSpreadPodsAreScheduledAsPlanned(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	grown, several, balanced := 0, 0, 0
	for i := range 6000 {
		s, policy := spreadSnapshot(r, now)
		policy.ScaleDownEnabled = false // with its timers, nothing is removed in a loop that grows a group
		first, memory := Decide(s, Memory{}, policy, now)
		policy.ScaleDownEnabled = true
		if len(first.ScaleUp) == 0 {
			continue
		}
		grown++
		if len(first.ScaleUp) > 1 {
			several++
			if policy.BalanceSimilar {
				balanced++
			}
		}
		after := scheduled(r, come(scheduled(r, s, memory), &first, now), memory)
		if pending := promised(after, &first); pending != "" {
			t.Fatalf("case %d: %s does not run:\n%s\n%s", i, pending, drawn(s, policy), render(first, memory, now))
		}
		next, memory := Decide(after, memory, policy, now.Add(time.Minute))
		if problem := changes(s, &first, &next); problem != "" {
			t.Fatalf("case %d: %s\n%s\n%s\nthen\n%s\n%s", i, problem, drawn(s, policy), render(first, memory, now), drawn(after, policy), render(next, memory, now))
		}
	}
	t.Logf("%d plans grow, %d of them several groups, %d with balancing", grown, several, balanced)
	if grown < 3000 || several < 700 || balanced < 250 {
		t.Errorf("the cases hardly plan anything: %d grow, %d several groups, %d with balancing", grown, several, balanced)
	}
}

// spreadSnapshot has pods of one size, so that nothing but their spread keeps them off a node with room.
func spreadSnapshot(r *rand.Rand, now time.Time) (*Snapshot, Policy) {
	policy := DefaultPolicy()
	policy.IgnoreTimers = true
	policy.Expanders = []Expander{Expanders()[r.IntN(len(Expanders()))]}
	policy.BalanceSimilar = r.IntN(2) == 0
	if r.IntN(4) == 0 {
		policy.MaxNodesPerScaleUp = 1 + r.IntN(4)
	}
	s := &Snapshot{Classes: &scheduling.Classes{}}
	var specs []scheduling.Spec
	for i := range 1 + r.IntN(2) {
		app := fmt.Sprint("app-", i)
		chosen := scheduling.LabelSelector{All: []scheduling.Requirement{{Key: "app", Operator: scheduling.In, Values: []string{app}}}}
		spec := scheduling.Spec{Namespace: "default", Labels: map[string]string{"app": app}, Requests: scheduling.Resources{MilliCPU: 1000, Memory: 1 << 30, Pods: 1}}
		if i == 0 || r.IntN(2) == 0 {
			spec.TopologySpread = []scheduling.TopologySpreadConstraint{{TopologyKey: "topology.kubernetes.io/zone", MaxSkew: 1 + r.Int32N(3), MinDomains: 1 + r.Int32N(3)/2, Pods: chosen}}
		}
		switch r.IntN(6) {
		case 0:
			spec.PodAntiAffinity = []scheduling.PodAffinityTerm{{TopologyKey: "kubernetes.io/hostname", Pods: scheduling.PodSelector{Namespaces: []string{"default"}, Labels: chosen}}}
		case 1:
			spec.NodeSelector = []scheduling.Requirement{{Key: "pool", Operator: scheduling.In, Values: []string{"x"}}}
		case 2:
			spec.NodeSelector = []scheduling.Requirement{{Key: "topology.kubernetes.io/zone", Operator: scheduling.In, Values: []string{"b"}}}
		}
		specs = append(specs, spec)
		s.Classes.Learn(&specs[i])
	}
	slots := int64(1)
	if len(specs) == 1 { // else one sort may take the places of another on the same nodes
		slots += r.Int64N(3)
	}
	for i := range 1 + r.IntN(4) {
		offer := scheduling.Resources{MilliCPU: 1000 * slots, Memory: slots << 32, Pods: 10}
		g := Group{Belief: fleet.Belief{Name: fmt.Sprint("g", i), Max: 1 + r.IntN(8), Price: float64(r.IntN(3))}, Capacity: offer}
		g.Template = scheduling.Node{Name: "new", Labels: map[string]string{"topology.kubernetes.io/zone": string(rune('a' + r.IntN(3))), "pool": string("xxxy"[r.IntN(4)])}, Allocatable: offer}
		for range max(r.IntN(min(g.Max+1, 5))-2, 0) {
			s.Nodes = append(s.Nodes, g.node(len(s.Nodes), now.Add(-time.Hour)))
			g.Target++
		}
		s.Groups = append(s.Groups, g)
	}
	for i := range specs {
		class := s.Classes.Intern(specs[i])
		for range r.IntN(12) {
			s.Pods = append(s.Pods, &Pod{Name: fmt.Sprintf("default/p%02d", len(s.Pods)), Class: class, Owner: "ReplicaSet", State: Pending, Created: now.Add(-time.Minute)})
		}
	}
	return scheduled(r, s, Memory{}), policy
}

// node is the group's with that number.
func (g *Group) node(n int, created time.Time) *Node {
	node := &Node{Node: g.Template, Group: g.Name, Ready: true, Created: created, Capacity: g.Capacity}
	node.Name = fmt.Sprintf("n%02d", n)
	node.Labels = map[string]string{"kubernetes.io/hostname": node.Name}
	for key, value := range g.Template.Labels {
		node.Labels[key] = value
	}
	return node
}

// come is the cluster once the nodes that the plan adds are there and those are gone that it removes.
func come(s *Snapshot, plan *Plan, now time.Time) *Snapshot {
	out := carriedOut(s, plan)
	for _, up := range plan.ScaleUp {
		i := slices.IndexFunc(out.Groups, func(g Group) bool { return g.Name == up.Group })
		for range up.To - up.From {
			out.Nodes = append(out.Nodes, out.Groups[i].node(len(s.Nodes)+len(out.Nodes), now))
		}
	}
	return out
}

// scheduled lets the scheduler place what it can, in any order, each pod on any node with a place for it. With several
// sorts of pods it follows the plan in the choice of the group, since what one sort takes another may lack. Pods that were not
// planned come last.
func scheduled(r *rand.Rand, s *Snapshot, m Memory) *Snapshot {
	out := *s
	out.Pods = slices.Clone(s.Pods)
	c := scheduling.NewCluster(s.Classes)
	ids := map[string]scheduling.NodeID{}
	for _, n := range s.Nodes {
		ids[n.Name] = c.AddNode(&n.Node)
	}
	for _, pod := range s.Pods {
		if pod.State == Bound {
			c.Place(pod.Class, ids[pod.Node], 1)
		}
	}
	bind := func(i int) bool {
		pod := *out.Pods[i]
		for _, n := range r.Perm(len(s.Nodes)) {
			node := s.Nodes[n]
			if then := m.Planned[pod.Name]; then != nil && s.Classes.Len() > 1 && then.Node != node.Name && (then.Group != node.Group || node.Created.Before(then.Since)) {
				continue
			}
			if c.Fill(pod.Class, scheduling.NodeID(n), 1) == 1 {
				pod.Node, pod.State, out.Pods[i] = node.Name, Bound, &pod
				return true
			}
		}
		return false
	}
	for _, last := range []bool{false, true} {
		for progress := true; progress; {
			progress = false
			for _, i := range r.Perm(len(out.Pods)) {
				if _, planned := m.Planned[out.Pods[i].Name]; out.Pods[i].State != Bound && (planned || last) {
					progress = bind(i) || progress
				}
			}
		}
	}
	return &out
}

// promised is a pod that the plan has requested a node for and that does not run.
func promised(s *Snapshot, plan *Plan) string {
	for _, p := range plan.Pending {
		i := slices.IndexFunc(s.Pods, func(pod *Pod) bool { return pod.Name == p.Pod })
		if p.Verdict.Code != NotTriggerScaleUp && s.Pods[i].State != Bound {
			return p.Pod
		}
	}
	return ""
}

// changes is what the second plan changes of the first: it grows a group for a pod that had a place, or takes a node away
// that has only just come.
func changes(before *Snapshot, first, next *Plan) string {
	left := map[string]bool{}
	for _, p := range first.Pending {
		left[p.Pod] = p.Verdict.Code == NotTriggerScaleUp
	}
	for _, up := range next.ScaleUp {
		for _, pod := range up.Pods {
			if !left[pod] {
				return "the next loop grows again for " + pod
			}
		}
	}
	for _, gone := range next.ScaleDown {
		if !slices.ContainsFunc(before.Nodes, func(n *Node) bool { return n.Name == gone.Node }) {
			return "the next loop removes " + gone.Node
		}
	}
	return ""
}

// drawn shows the cluster.
func drawn(s *Snapshot, p Policy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "policy %v balance %t maxNodesPerScaleup %d\n", p.Expanders, p.BalanceSimilar, p.MaxNodesPerScaleUp)
	for _, g := range s.Groups {
		fmt.Fprintf(&b, "group %s size %d max %d cpu %d labels %v\n", g.Name, g.Target, g.Max, g.Template.Allocatable.MilliCPU, g.Template.Labels)
	}
	for _, n := range s.Nodes {
		fmt.Fprintf(&b, "node %s group %s\n", n.Name, n.Group)
	}
	for _, pod := range s.Pods {
		spec := s.Classes.Spec(pod.Class)
		fmt.Fprintf(&b, "pod %s class=%d on=%s cpu=%d memory=%d is=%v selector=%v", pod.Name, pod.Class, pod.Node, spec.Requests.MilliCPU, spec.Requests.Memory>>20, spec.Labels, spec.NodeSelector)
		for _, t := range spec.PodAffinity {
			fmt.Fprintf(&b, " near=%v@%s", t.Pods.Labels.All[0].Values, t.TopologyKey)
		}
		for _, t := range spec.PodAntiAffinity {
			fmt.Fprintf(&b, " apart=%v@%s", t.Pods.Labels.All[0].Values, t.TopologyKey)
		}
		for _, t := range spec.TopologySpread {
			fmt.Fprintf(&b, " spread=%s/%d minDomains=%d", t.TopologyKey, t.MaxSkew, t.MinDomains)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
