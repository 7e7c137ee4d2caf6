package scheduling

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// The fewest pods of any domain, with and without one domain, are found as by looking at all of them, while domains
// and pods come and go.
func TestMinMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		var counts podCounts
		var e nodeCounts
		pods := map[domain]int32{}
		for range 200 {
			d := domain(r.IntN(6))
			_, there := pods[d]
			switch {
			case !there:
				e.nodes = grown(e.nodes, d)
				e.nodes[d], pods[d] = 1, 0
				e.domains++
			case pods[d] == 0 && r.IntN(8) == 0:
				e.nodes[d] = 0
				delete(pods, d)
				e.domains--
			default:
				n := 1 + r.Int32N(4)
				if r.IntN(2) == 0 {
					n = -min(n, pods[d])
				}
				counts.add(d, n, true)
				pods[d] += n
			}
			for but := nowhere; but < 7; but++ {
				want := int64(unlimited)
				for d, n := range pods {
					if d != but {
						want = min(want, int64(n))
					}
				}
				if got := counts.minMatch(&e, but); got != want {
					t.Fatalf("fewest but %d of %v: %d, want %d", but, pods, got, want)
				}
			}
		}
	}
}

// zoned is a node of a zone, with more labels as pairs of key and value.
func zoned(name, zone string, more ...string) *Node {
	n := &Node{Name: name, Labels: map[string]string{hostname: name, "zone": zone}, Allocatable: Resources{Pods: 100}}
	for i := 0; i < len(more); i += 2 {
		n.Labels[more[i]] = more[i+1]
	}
	return n
}

// Which nodes a spread constraint counts: zone b has no pod, and where it counts, zone a may hold no second one.
func TestNodesOfASpread(t *testing.T) {
	web := LabelSelector{All: []Requirement{{Key: "app", Operator: In, Values: []string{"web"}}}}
	ssd := []Requirement{{Key: "disk", Operator: In, Values: []string{"ssd"}}}
	tainted := zoned("b1", "b")
	tainted.Taints = []Taint{{Key: "dedicated", Effect: NoSchedule}}
	tolerant := []Toleration{{Key: "dedicated", Exists: true}}
	for _, c := range []struct {
		name   string
		other  *Node
		spec   Spec
		spread TopologySpreadConstraint
		want   bool // whether the other node counts
	}{
		{"plain", zoned("b1", "b", "disk", "ssd"), Spec{}, TopologySpreadConstraint{}, true},
		{"not for the pod", zoned("b1", "b"), Spec{NodeSelector: ssd}, TopologySpreadConstraint{}, false},
		{"not for the pod, which does not matter", zoned("b1", "b"), Spec{NodeSelector: ssd}, TopologySpreadConstraint{IgnoreAffinity: true}, true},
		{"not for the pod by its name", zoned("b1", "b", "disk", "ssd"), Spec{NodeSelector: []Requirement{{Key: hostname, Operator: In, Values: []string{"a1"}}}}, TopologySpreadConstraint{}, false},
		{"tainted, which does not matter", tainted, Spec{}, TopologySpreadConstraint{}, true},
		{"tainted", tainted, Spec{}, TopologySpreadConstraint{HonorTaints: true}, false},
		{"tainted and tolerated", tainted, Spec{Tolerations: tolerant}, TopologySpreadConstraint{HonorTaints: true}, true},
	} {
		var classes Classes
		c.spread.TopologyKey, c.spread.MaxSkew, c.spread.MinDomains, c.spread.Pods = "zone", 1, 1, web
		c.spec.Labels, c.spec.TopologySpread = map[string]string{"app": "web"}, []TopologySpreadConstraint{c.spread}
		contrary := c.spec // another node set of the same nodes, in one cluster
		contrary.TopologySpread = []TopologySpreadConstraint{c.spread}
		contrary.NodeSelector = []Requirement{{Key: "disk", Operator: In, Values: []string{"tape"}}}
		if contrary.Tolerations = tolerant; len(c.spec.Tolerations) > 0 {
			contrary.Tolerations = nil
		}
		classes.Intern(contrary)
		web := classes.Intern(c.spec)
		cluster := NewCluster(&classes)
		a := cluster.AddNode(zoned("a1", "a", "disk", "ssd"))
		cluster.AddNode(c.other)
		cluster.Place(web, a, 1)
		if got := cluster.Fits(web, a); (got.Code == TopologySpreadExceeded) != c.want {
			t.Errorf("%s: %q, want the node to count: %t", c.name, got.Code, c.want)
		}
	}
}

// What is undone leaves no domain behind.
func TestUndoForgetsDomains(t *testing.T) {
	var classes Classes
	web := LabelSelector{All: []Requirement{{Key: "app", Operator: In, Values: []string{"web"}}}}
	spec := Spec{Labels: map[string]string{"app": "web"}, TopologySpread: []TopologySpreadConstraint{
		{TopologyKey: "zone", MaxSkew: 1, Pods: web}, {TopologyKey: hostname, MaxSkew: 5, Pods: web},
	}}
	class := classes.Intern(spec)
	cluster := NewCluster(&classes)
	a := cluster.AddNode(zoned("a1", "a"))
	hosts := slices.Index(cluster.where.book.topologyKeys.all, hostname)
	before := cluster.where.next[hosts]
	for range 3 {
		mark := cluster.Mark()
		b := cluster.AddCopy(cluster.Prepare(*zoned("", "b")))
		if n := cluster.Fill(class, a, 9); n != 1 {
			t.Errorf("%d pods beside an empty zone, want 1", n)
		}
		if n := cluster.Fill(class, b, 9); n != 2 {
			t.Errorf("%d pods in the other zone, want 2", n)
		}
		cluster.Undo(mark)
	}
	if after := cluster.where.next[hosts]; after != before {
		t.Errorf("%d host names, were %d", after, before)
	}
	if n := cluster.Fill(class, a, 9); n != 9 {
		t.Errorf("%d pods in the only zone, want all 9", n)
	}
}

// Nodes that differ in their names alone are of one kind, though a class asks for one of them by name: only that
// class looks at each.
func TestNamesMakeNoKinds(t *testing.T) {
	var classes Classes
	byHost := classes.Intern(Spec{NodeSelector: []Requirement{{Key: hostname, Operator: In, Values: []string{"n2"}}}})
	byName := classes.Intern(Spec{NodeAffinity: []NodeSelectorTerm{{{Operator: In, Values: []string{"n3"}}}}})
	cluster := NewCluster(&classes)
	for i := range 5 {
		cluster.AddNode(zoned(fmt.Sprintf("n%d", i), "a"))
	}
	if len(cluster.kinds) != 1 {
		t.Errorf("%d kinds, want 1", len(cluster.kinds))
	}
	for i := range NodeID(5) {
		if got := cluster.MatchesNode(byHost, i); got != (i == 2) {
			t.Errorf("n2 by host name on n%d: %t", i, got)
		}
		if got := cluster.MatchesNode(byName, i); got != (i == 3) {
			t.Errorf("n3 by name on n%d: %t", i, got)
		}
	}
	if cluster.MatchesNode(byHost, cluster.AddCopy(cluster.Prepare(*zoned("n2", "a")))) {
		t.Error("a new node has a name of its own, whatever it was made from")
	}
}

// Labels that nobody asks about tell no class from another.
func TestLabelsThatNobodyAsksAbout(t *testing.T) {
	var classes Classes
	asks := Spec{PodAntiAffinity: []PodAffinityTerm{{TopologyKey: "zone", Pods: PodSelector{Labels: LabelSelector{All: []Requirement{{Key: "app", Operator: Exists}}}}}}}
	classes.Learn(&asks)
	var ids []Class
	for i := range 3 {
		ids = append(ids, classes.Intern(Spec{Labels: map[string]string{"app": "web", "pod": fmt.Sprint(i)}}))
	}
	if len(slices.Compact(ids)) != 1 {
		t.Errorf("classes %v", ids)
	}
	defer func() {
		if recover() == nil {
			t.Error("a selector that comes too late is not noticed")
		}
	}()
	asks.PodAntiAffinity[0].Pods.Labels.All[0].Key = "pod"
	classes.Learn(&asks)
}
