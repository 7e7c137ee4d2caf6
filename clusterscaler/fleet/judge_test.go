package fleet

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/internal/config"
)

func testTime() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func testPolicy() Policy {
	return Policy{
		MaxNodeProvisionTime: 15 * time.Minute, MaxNodeDeletionTime: 5 * time.Minute,
		InitialBackoff: 5 * time.Minute, MaxBackoff: 30 * time.Minute, BackoffResetTimeout: 3 * time.Hour,
	}
}

// asg is an Auto Scaling group with instances from texts: "id" is in service, "id?" pending, "id-" terminating.
func asg(name string, desired int, texts ...string) Group {
	g := Group{Name: name, Max: 10, Target: &desired, Instances: []Instance{}}
	for _, text := range texts {
		i := Instance{ID: "aws:///a/" + strings.TrimRight(text, "?-"), State: Running}
		switch text[len(text)-1] {
		case '?':
			i.State = Creating
		case '-':
			i.State = Deleting
		}
		g.Instances = append(g.Instances, i)
	}
	return g
}

// nodesOf are nodes, each called as its instance with a dash before it.
func nodesOf(ids ...string) []Node {
	var out []Node
	for _, id := range ids {
		out = append(out, Node{Name: "n-" + id, ProviderID: "aws:///a/" + id})
	}
	return out
}

// A cloud that knows nothing of nodes has its instances matched by their provider IDs.
func TestMembershipByProviderID(t *testing.T) {
	groups := []Group{asg("a", 4, "1", "2", "3-", "4?", "9"), asg("b", 1, "5", "9")}
	nodes := append(nodesOf("1", "2", "3", "5", "6", "9"), Node{Name: "aws:///a/4"}, Node{Name: "control-plane"})
	v, _ := Judge(groups, nodes, Memory{}, testPolicy(), testTime())
	want := map[string]string{"n-1": "a", "n-2": "a", "n-5": "b", "aws:///a/4": "a"}
	if !reflect.DeepEqual(v.Member, want) {
		t.Errorf("members %v, want %v", v.Member, want)
	}
	if a := v.Groups[0]; a.Target != 4 || v.standing["a"] != 3 || len(a.Unregistered) != 0 || len(a.Silent) != 0 || a.Trouble != "" {
		t.Errorf("%+v", a)
	}
	if v, _ := Judge(groups, nodes[:1], Memory{}, testPolicy(), testTime()); strings.Join(v.Groups[0].Unregistered, " ") != "aws:///a/2 aws:///a/4 aws:///a/9" {
		t.Errorf("without a node: %v", v.Groups[0].Unregistered)
	}
}

// What a cloud says itself of a node counts, and not the IDs of its instances.
func TestMembershipByName(t *testing.T) {
	g, other := asg("a", 1, "1", "2"), asg("b", 0)
	g.Nodes, other.Nodes = []string{"n-3"}, []string{"n-1"}
	v, _ := Judge([]Group{g, other}, nodesOf("1", "2", "3"), Memory{}, testPolicy(), testTime())
	if want := map[string]string{"n-1": "b", "n-3": "a"}; !reflect.DeepEqual(v.Member, want) {
		t.Errorf("members %v, want %v", v.Member, want)
	}
	if a := v.Groups[0]; len(a.Unregistered) != 0 || !slices.Equal(a.Silent, []string{"n-3"}) {
		t.Errorf("%+v", a)
	}
}

// A node that the cloud has accepted to delete stays of its group, and is counted no more until its time is over.
func TestAcceptedDeletions(t *testing.T) {
	p, now := testPolicy(), testTime()
	nodes := nodesOf("1", "2")
	nodes[0].Deleting = true
	m, first := Memory{}.Deleted("n-1", "a", now)
	for _, c := range []struct {
		after      time.Duration
		deleting   bool
		registered int
	}{{0, true, 1}, {p.MaxNodeDeletionTime - 1, true, 1}, {p.MaxNodeDeletionTime, true, 2}, {0, false, 2}} {
		nodes[0].Deleting = c.deleting
		v, _ := Judge([]Group{asg("a", 1, "1", "2")}, nodes, m, p, now.Add(c.after))
		if got := v.standing["a"]; got != c.registered || v.Member["n-1"] != "a" {
			t.Errorf("%s after, deleting %t: %d nodes, want %d; members %v", c.after, c.deleting, got, c.registered, v.Member)
		}
	}
	if _, again := m.Deleted("n-1", "a", now); !first || again {
		t.Errorf("first %t, again %t", first, again)
	}
}

// A failure that names no instance is one of the nodes that have been asked for since, and not of weeks ago.
func TestFailureWithoutAnInstance(t *testing.T) {
	now := testTime()
	for _, c := range []struct {
		name    string
		awaited time.Time
		at      time.Time
		want    int
	}{
		{"since", now.Add(-time.Minute), now, 2},
		{"before", now, now.Add(-time.Minute), 0},
		{"nothing was asked for", time.Time{}, now, 0},
		{"in the same second, of which the cloud tells no part", now.Add(time.Second / 2), now, 2},
		{"lasts", now.Add(-time.Minute), time.Time{}, 2},
		{"lasts, and nothing was asked for", time.Time{}, time.Time{}, 0},
	} {
		g := asg("a", 4, "1", "2?")
		g.Failure = &Failure{Class: Capacity, Message: "we have none", At: c.at}
		m := Memory{}
		if !c.awaited.IsZero() {
			m.AwaitedSince = map[string]time.Time{"a": c.awaited}
		}
		v, _ := Judge([]Group{g}, nodesOf("1"), m, testPolicy(), now)
		if b := v.Groups[0]; len(b.Failed) != c.want || len(b.Unregistered) != 1 || c.want > 0 && b.Failed[0].Message != "we have none" {
			t.Errorf("%s: %+v, want %d failed", c.name, b, c.want)
		}
		if d := v.Failed("a", 2); len(d.Victims) != 0 {
			t.Errorf("%s: there is nothing to delete: %v", c.name, d)
		}
	}
}

// A number that is missing is never zero.
func TestWhatIsNotTold(t *testing.T) {
	p, now := testPolicy(), testTime()
	_, m := Judge([]Group{asg("a", 4, "1", "2")}, nodesOf("1"), Memory{}, p, now)
	silent := Group{Name: "a", Min: 1, Max: 10, Unknown: "throttled", Nodes: []string{"n-1"}}
	v, m := Judge([]Group{silent}, nodesOf("1"), m, p, now)
	if b := v.Groups[0]; b.Target != 4 || b.Min != 4 || b.Max != 4 || b.Trouble != "throttled" || len(b.Unregistered) != 1 {
		t.Errorf("after good times: %+v", b)
	}
	if m.Told["a"].Size != 4 {
		t.Errorf("forgotten: %+v", m.Told)
	}
	v, _ = Judge([]Group{silent}, nodesOf("1"), Memory{}, p, now)
	if b := v.Groups[0]; b.Target != 1 || b.Min != 1 || b.Max != 1 {
		t.Errorf("at first: %+v", b)
	}
	mute := Group{Name: "a", Max: 10, Instances: []Instance{}, Nodes: []string{"n-1"}}
	if v, _ := Judge([]Group{mute}, nodesOf("1"), Memory{}, p, now); v.Groups[0].Target != 1 || v.Groups[0].Min != 1 || v.Groups[0].Max != 1 || v.Groups[0].Trouble == "" {
		t.Errorf("without a word: %+v", v.Groups[0])
	}
	g := asg("a", 3, "1")
	g.OptionsUnknown = true
	if v, _ := Judge([]Group{g}, nil, Memory{}, p, now); v.Groups[0].Min != 3 || v.Groups[0].Max != 10 || v.Groups[0].Trouble != "" {
		t.Errorf("options that are not told: %+v", v.Groups[0])
	}
}

// A group grows as far as the cloud has room.
func TestRoom(t *testing.T) {
	for _, c := range []struct {
		room, max int
		whole     bool
		trouble   string
	}{{3, 5, false, ""}, {50, 10, false, ""}, {0, 10, false, "no addresses"}, {7, 10, true, "no addresses"}, {8, 10, true, ""}} {
		g := asg("a", 2, "1", "2")
		g.Room, g.RoomWhy, g.Options.AllOrNothing = &c.room, "no addresses", c.whole
		v, _ := Judge([]Group{g}, nodesOf("1", "2"), Memory{}, testPolicy(), testTime())
		if b := v.Groups[0]; b.Max != c.max || b.Trouble != c.trouble {
			t.Errorf("room %d: %+v, want max %d and %q", c.room, b, c.max, c.trouble)
		}
	}
}

// A type of machines of which a zone has none left keeps all groups from growing that come only there.
func TestShortageOfAPlace(t *testing.T) {
	p, now := testPolicy(), testTime()
	place := func(machine string, zones ...string) []string {
		n := &corev1.Node{}
		n.Labels = map[string]string{corev1.LabelInstanceTypeStable: machine, corev1.LabelTopologyZone: zones[0]}
		return placesOf(&Group{Template: n, Zones: zones[1:]})
	}
	m := Memory{}.FailedToGrow("a", Failure{Class: Capacity, Message: "none left", Zone: "z1", Type: "m5.large"}, &p, now)
	m = m.FailedToGrow("q", Failure{Class: Quota, Message: "no more allowed", Zone: "z2", Type: "m5.large"}, &p, now)
	for _, c := range []struct {
		group  string
		places []string
		after  time.Duration
		rests  bool
	}{
		{"a", nil, 0, true},
		{"b", place("m5.large", "z1"), 0, true},
		{"b", place("m5.large", "z1"), p.InitialBackoff, false},
		{"b", place("c5.large", "z1"), 0, false},
		{"b", place("m5.large", "z2"), 0, false},
		{"b", place("m5.large", "z0", "z1", "z2"), 0, false},
		{"b", nil, 0, false},
	} {
		if b, rests := m.Resting(c.group, c.places, now.Add(c.after)); rests != c.rests || rests && (b.Class != Capacity || b.Why != "none left") {
			t.Errorf("%s in %v after %s: %t %+v", c.group, c.places, c.after, rests, b)
		}
	}
	m = m.FailedToGrow("c", Failure{Class: Capacity, Message: "none left", Zone: "z2", Type: "m5.large"}, &p, now.Add(time.Minute))
	if b, rests := m.Resting("b", place("m5.large", "z0", "z1", "z2"), now.Add(time.Minute)); !rests || !b.Until.Equal(now.Add(p.InitialBackoff)) {
		t.Errorf("in no zone: %t %+v", rests, b)
	}
	if old := m.Forget(&p, now.Add(p.BackoffResetTimeout+time.Hour)); len(old.Backoffs)+len(old.Shortages) != 0 {
		t.Errorf("not forgotten: %+v", old)
	}
}

// Each place counts of which a failed node says that there is none left, and also one that is told while the group rests.
func TestShortageOfEachPlace(t *testing.T) {
	p, now := testPolicy(), testTime()
	none := func(zone string) Failed {
		return Failed{"i-" + zone, Failure{Class: Capacity, Message: "none in " + zone, Zone: zone, Type: "m5.large"}}
	}
	_, m := Await([]Awaiting{{Belief: &Belief{Name: "a", Target: 2, Failed: []Failed{none("z1"), none("z2")}}}}, Memory{}, p, now)
	_, m = Await([]Awaiting{{Belief: &Belief{Name: "a", Target: 2, Failed: []Failed{none("z2"), none("z3")}}}}, m, p, now.Add(time.Minute))
	for zone, until := range map[string]time.Duration{"z1": 5, "z2": 5, "z3": 6} {
		b, rests := m.Resting("b", []string{Place(zone, "m5.large")}, now.Add(time.Minute))
		if !rests || b.Why != "none in "+zone || !b.Until.Equal(now.Add(until*time.Minute)) {
			t.Errorf("%s: %t %+v, want until %d minutes after", zone, rests, b, until)
		}
	}
}

// Whatever a cloud tells, its groups have sizes that can be, the Memory that was given in is not changed, and one that was
// written and read again says the same.
func TestJudgeOfAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	doubts := 0
	for range 3000 {
		now, m := testTime(), Memory{}
		for range 6 {
			now = now.Add(time.Duration(r.IntN(300)) * time.Second)
			groups, nodes := randomCloud(r, now)
			before := fmt.Sprintf("%+v", m)
			v, next := Judge(groups, nodes, m, testPolicy(), now)
			if after := fmt.Sprintf("%+v", m); after != before {
				t.Fatalf("the memory was changed:\n%s\n%s", before, after)
			}
			var read Memory
			text, err := json.Marshal(m)
			if err == nil {
				err = json.Unmarshal(text, &read)
			}
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := Judge(groups, nodes, read, testPolicy(), now); !reflect.DeepEqual(again, v) {
				t.Fatalf("%+v\nwith the memory as it was read: %+v", v, again)
			}
			for i, b := range v.Groups {
				there := v.standing[b.Name] + len(b.Unregistered) + len(b.Failed)
				if b.Target < 0 || b.Min > b.Max && groups[i].Room == nil || groups[i].Unknown == "" && groups[i].Instances != nil && b.Target > max(groups[i].Max, there) {
					t.Fatalf("%+v of %+v", b, groups[i])
				}
				if b.Trouble != "" {
					doubts++
				}
			}
			m = next
			name := groups[r.IntN(len(groups))].Name
			switch r.IntN(4) {
			case 0:
				by := 1 + r.IntN(3)
				m = m.Resized(m.Growth(name, 0, by), by, now)
			case 1:
				m, _ = m.Deleted(fmt.Sprint("n-", r.IntN(8)), name, now)
			case 2:
				m = m.Shrunk(name, r.IntN(3))
			}
		}
	}
	if doubts < 1000 {
		t.Errorf("%d doubts; the cases hardly test anything", doubts)
	}
}

func randomCloud(r *rand.Rand, now time.Time) ([]Group, []Node) {
	var groups []Group
	for _, name := range []string{"a", "b"} {
		var texts []string
		for i := range r.IntN(5) {
			texts = append(texts, fmt.Sprint(i+4*len(groups), []string{"", "?", "-"}[r.IntN(3)]))
		}
		g := asg(name, r.IntN(9), texts...)
		g.Max = 1 + r.IntN(8)
		g.Min = r.IntN(g.Max)
		switch r.IntN(8) {
		case 0:
			g.Target, g.Unknown = nil, "throttled"
		case 1:
			g.Instances = nil
		case 2:
			g.Failure = &Failure{At: now}
		case 3:
			g.Room = new(r.IntN(3))
		case 4:
			g.Options = group.Options{MaxNodeProvisionTime: new(config.Duration(time.Minute))}
		}
		groups = append(groups, g)
	}
	var nodes []Node
	for i := range 8 {
		if r.IntN(2) == 0 {
			nodes = append(nodes, Node{Name: fmt.Sprint("n-", i), ProviderID: fmt.Sprint("aws:///a/", i), Deleting: r.IntN(4) == 0})
		}
	}
	return groups, nodes
}
