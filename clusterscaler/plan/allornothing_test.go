package plan

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A group that has all of its nodes or none grows to its maximum or not at all, and of its nodes all go or none.
func TestAtomicGroupsChangeAsAWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	grown, gone, refused := 0, 0, 0
	for i := range 6000 {
		s, policy := randomSnapshot(r, now)
		policy.IgnoreTimers = r.IntN(2) == 0
		for j := range s.Groups {
			s.Groups[j].Min, s.Groups[j].Options.AllOrNothing = 0, r.IntN(4) > 0
		}
		var m Memory
		m.UnneededSince = map[string]time.Time{}
		for _, n := range s.Nodes {
			if r.IntN(5) > 0 {
				m.UnneededSince[n.Name] = now.Add(-time.Hour)
			}
		}
		p, _ := Decide(s, m, policy, now)
		goes, stays := map[string]int{}, map[string]int{}
		for _, n := range p.Nodes {
			if n.Verdict.Code == Unneeded || n.Verdict.Code == CurrentlyBeingDeleted {
				goes[n.Group]++
			} else {
				stays[n.Group]++
			}
			if n.Verdict.Code == AtomicScaleDownFailed {
				refused++
			}
		}
		for _, g := range s.Groups {
			if !g.Options.AllOrNothing {
				continue
			}
			for _, up := range p.ScaleUp {
				if up.Group == g.Name {
					grown++
					if up.To != g.Max {
						t.Fatalf("case %d: %s grows to %d of %d", i, g.Name, up.To, g.Max)
					}
				}
			}
			removed := 0
			for _, down := range p.ScaleDown {
				if down.Group == g.Name {
					removed++
				}
			}
			if removed > 1 {
				gone++
			}
			if removed > 0 && stays[g.Name] > 0 {
				t.Fatalf("case %d: of %s %d nodes go and %d stay\n%s", i, g.Name, goes[g.Name], stays[g.Name], render(p, m, now))
			}
		}
	}
	if grown < 300 || gone < 50 || refused < 300 {
		t.Errorf("that tests hardly anything: %d groups grew, %d went, %d nodes were kept for others", grown, gone, refused)
	}
}

// A refusal names the limit that refuses, with its numbers: nodes that the plan has dropped again do not count, and no product
// of a size and a need is too large to compare.
func TestWhatAllNodesTogetherExceedIsNamed(t *testing.T) {
	for _, c := range []struct {
		policy, want  string
		most, dropped int
	}{
		{"policy maxNodesTotal=5", "group a: MaxNodesTotalReached: nodes 2, max 5, needed at once 4", 4, 1},
		{"policy cores=0:100", "group a: ResourceLimitReached: resource cpu, have 12000m, node 4000m, max 100000m, needed at once 4611686018427388000", 1 << 62, 0},
	} {
		l := loopOf(t, Memory{}, "group a cpu=4 memory=16Gi max=4 zeroOrMax", "group b cpu=4 memory=16Gi size=3", "node b-1 group=b x=3", c.policy)
		l.s.Groups[0].Max = c.most
		there := observe(l)
		w := newWorld(l, &there)
		d := growingFrom(w, noGrowth(w, &needs{mark: w.ready, placed: placed{loop: l}}))
		d.dropped = c.dropped
		if room, why := d.room(&d.groups[0]); room != 0 || why.String() != c.want {
			t.Errorf("room %d, %s, want %s", room, why, c.want)
		}
	}
}
