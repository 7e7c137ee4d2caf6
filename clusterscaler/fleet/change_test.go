package fleet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// Whatever is listed, the nodes that stand and the instances that are well are not given up, and no more than asked.
func TestLossIsBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	lost := 0
	for range 20_000 {
		d := Termination{Why: CreateFailed, Floor: r.IntN(4)}
		var now []Instance
		well, failed := 0, map[string]bool{}
		for i := range r.IntN(8) {
			one := Instance{ID: fmt.Sprint(i), State: State(r.IntN(4))}
			if r.IntN(3) == 0 {
				one.Failure = &Failure{}
			}
			if r.IntN(3) == 0 {
				d.Victims = append(d.Victims, Victim{ID: one.ID})
				failed[one.ID] = one.failed()
			}
			if one.State != Deleting && !failed[one.ID] {
				well++
			}
			now = append(now, one)
		}
		size, by := r.IntN(10), 1+r.IntN(6)
		victims, err := d.Check(size, now)
		if n := len(victims); err != nil || n > 0 && size-n < max(d.Floor, well) {
			t.Fatalf("%+v of size %d with %+v: %v, %v", d, size, now, victims, err)
		}
		for _, v := range victims {
			if !failed[v.ID] {
				t.Fatalf("%s has not failed: %+v", v.ID, now)
			}
		}
		resize := Resize{From: size, To: size - by, Floor: d.Floor}
		lower, left := resize.Lower(size, now)
		if lower < 0 || lower+left != by || lower > 0 && (size-lower < d.Floor || size-lower < existing(now)) {
			t.Fatalf("%+v with %+v: lowered by %d, %d left", resize, now, lower, left)
		}
		lost += len(victims) + lower
	}
	if lost < 10_000 {
		t.Errorf("%d nodes were given up; the cases hardly test anything", lost)
	}
}

func TestGrowAsksForWhatIsMissing(t *testing.T) {
	for _, c := range []struct{ from, to, size, want int }{{2, 5, 2, 3}, {2, 5, 3, 2}, {2, 5, 5, 0}, {2, 5, 9, 0}, {2, 5, 0, 3}, {5, 2, 5, 0}} {
		if got := (&Resize{From: c.from, To: c.to}).Grow(c.size); got != c.want {
			t.Errorf("from %d to %d of size %d: %d, want %d", c.from, c.to, c.size, got, c.want)
		}
	}
}

// What is drained must be of the group that it was planned for, and leave it its minimum whatever has changed since.
func TestDrained(t *testing.T) {
	g := asg("a", 3, "1", "2", "3")
	g.Min = 2
	v, _ := Judge([]Group{g, asg("b", 1, "5")}, nodesOf("1", "2", "3", "5"), Memory{}, testPolicy(), testTime())
	for _, c := range []struct {
		nodes string
		size  int
		err   string
	}{
		{"n-1", 3, ""},
		{"n-1", 2, "group a: its size is 2 by now; without 1 of them it would be below its minimum of 2"},
		{"n-1 n-2", 3, "group a: its size is 3 by now; without 2 of them it would be below its minimum of 2"},
		{"n-5", 3, "group a: node n-5 is of group b"},
		{"n-7", 3, "group a: node n-7 is not known to be of any group"},
	} {
		d, err := v.Drained("a", strings.Fields(c.nodes))
		if err == nil {
			var victims []Victim
			if victims, err = d.Check(c.size, nil); err == nil && (len(victims) != 1 || victims[0] != Victim{ID: "aws:///a/1", Node: "n-1"}) {
				t.Errorf("%s: %v", c.nodes, victims)
			}
		}
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s of size %d: %v, want %s", c.nodes, c.size, err, c.err)
		}
	}
	for _, c := range []struct {
		instances, nodes string
		size             int
		goes             bool
	}{
		{"1 2 3", "n-1", 3, true},
		{"1 2 3-", "n-1", 3, false},  // the cloud may still count the one that is going
		{"1 2 3-", "n-1", 4, true},   // with it one is on its way that has no instance yet
		{"1 2 3 4-", "n-1", 3, true}, // it does not count that one
		{"1- 2 3", "n-1", 2, true},   // asked for again, it takes nothing further
		{"1- 2 3", "n-1 n-2", 2, false},
	} {
		d, err := v.Drained("a", strings.Fields(c.nodes))
		if err != nil {
			t.Fatal(err)
		}
		if victims, err := d.Check(c.size, asg("a", 0, strings.Fields(c.instances)...).Instances); (err == nil) != c.goes || c.goes && len(victims) != 1 {
			t.Errorf("%s of size %d with %s: %v, %v", c.nodes, c.size, c.instances, victims, err)
		}
	}
	d := Termination{Group: "a", Victims: []Victim{{}, {}}}
	if after := After([]Group{g}, d); *after[0].Target != 1 || *g.Target != 3 {
		t.Errorf("after: %d, before: %d", *after[0].Target, *g.Target)
	}
}

// Of what is not accepted each instance has its own reason, or that of all; what needs no deletion any more has none.
func TestRefusedInstances(t *testing.T) {
	a, b, c := Victim{ID: "a"}, Victim{ID: "b"}, Victim{ID: "c"}
	d := Termination{Victims: []Victim{a, b, c}}
	for _, k := range []struct {
		err  error
		want string
	}{
		{nil, "map[]"},
		{errors.New("throttled"), "map[{b }:throttled {c }:throttled]"},
		{fmt.Errorf("x: %w", Refusals{"b": errors.New("b is protected"), "c": errors.New("c is in Standby")}), "map[{b }:b is protected {c }:c is in Standby]"},
	} {
		if got := fmt.Sprint(d.Refused([]Victim{a}, k.err)); got != k.want {
			t.Errorf("%v: %s, want %s", k.err, got, k.want)
		}
	}
}

// A node that registered since the cloud was asked is awaited no more, also where the cloud names the nodes itself. A node that it
// did not name when the node stood is of no group, as before.
func TestNodesJoinBetweenLooks(t *testing.T) {
	g, other := asg("a", 3, "1", "2?", "4"), asg("b", 1, "9")
	g.Nodes, other.Nodes = make([]string, 0, 8), []string{}
	g.Nodes = append(g.Nodes, "n-1")
	groups := []Group{g, other, asg("c", 1, "9", "7")}
	groups[2].Nodes = []string{}
	loop, m := Judge(groups, nodesOf("1", "4"), Memory{}, testPolicy(), testTime())
	nodes := nodesOf("1", "4", "2", "9", "3")
	v, _ := Judge(loop.Joined(groups, nodes), nodes, m, testPolicy(), testTime())
	if want := map[string]string{"n-1": "a", "n-2": "a"}; !reflect.DeepEqual(v.Member, want) || v.standing["a"] != 2 || v.Groups[0].Target != 3 {
		t.Errorf("members %v, want %v; %+v", v.Member, want, v.Groups[0])
	}
	if len(groups[0].Nodes) != 1 || len(g.Nodes[:2]) == 2 && g.Nodes[:2][1] != "" {
		t.Errorf("the loop's groups were changed: %v", g.Nodes[:2])
	}
}
