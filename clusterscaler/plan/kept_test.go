package plan

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/config"
)

// While pods come, go, change and end, nodes turn and time passes, a Planner plans what one without a past does.
func TestPlannerIsAsGoodAsNew(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	followed, began, grown, removed, ended, givenUp := 0, 0, 0, 0, 0, 0
	for i := range 600 {
		now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		s, policy := randomSnapshot(r, now)
		policy.IgnoreTimers = r.IntN(2) == 0
		slices.SortFunc(s.Pods, byPodName)
		var planner Planner
		var memory Memory
		for turn := range 12 {
			before := planner.kept
			p, m := planner.Decide(s, memory, policy, now)
			fresh, freshMemory := Decide(s, memory, policy, now)
			if !reflect.DeepEqual(p, fresh) || !reflect.DeepEqual(m, freshMemory) {
				t.Fatalf("case %d, turn %d: kept\n%s\nfresh\n%s", i, turn, render(p, m, now), render(fresh, freshMemory, now))
			}
			if planner.kept == before {
				followed++
			} else {
				began++
			}
			if name := unmentioned(s, &p); name != "" {
				t.Fatalf("case %d, turn %d: nothing is said of %s, which has no node\n%s", i, turn, name, render(p, m, now))
			}
			if problem := wrongGiveUp(s, &p); problem != "" {
				t.Fatalf("case %d, turn %d: %s\n%s", i, turn, problem, render(p, m, now))
			}
			givenUp += len(p.GiveUp)
			grown += len(p.ScaleUp)
			removed += len(p.ScaleDown)
			memory = m
			if r.IntN(3) == 0 {
				s = carriedOut(s, &p)
			}
			now = now.Add(time.Duration(r.IntN(90)) * time.Second)
			s, policy = changed(r, s, policy, now)
			for pod := range planner.kept.ending {
				if pod.overdue(now) {
					ended++
				}
			}
		}
	}
	if followed < 2000 || began < 600 || grown < 300 || removed < 300 || ended < 100 || givenUp < 300 {
		t.Errorf("the cases hardly test anything: followed %d times, began anew %d times, %d groups grew, %d nodes removed, %d pods overdue, %d times given up", followed, began, grown, removed, ended, givenUp)
	}
}

// unmentioned is a pod without a node that the plan does not list.
func unmentioned(s *Snapshot, p *Plan) string {
	for _, pod := range s.Pods {
		if pod.State != Bound && !slices.ContainsFunc(p.Pending, func(pending PendingPod) bool { return pending.Pod == pod.Name }) {
			return pod.Name
		}
	}
	return ""
}

// changed is a snapshot of some time later.
func changed(r *rand.Rand, s *Snapshot, policy Policy, now time.Time) (*Snapshot, Policy) {
	out := *s
	out.Pods, out.Nodes = nil, slices.Clone(s.Nodes)
	for _, p := range s.Pods {
		if r.IntN(6) > 0 {
			out.Pods = append(out.Pods, p)
			continue
		}
		next := *p
		switch r.IntN(7) {
		case 0: // it is gone
			continue
		case 1:
			next.Deleted, next.Grace = now, time.Duration(r.IntN(60))*time.Second
		case 2:
			if len(s.Nodes) > 0 {
				next.Node, next.State = s.Nodes[r.IntN(len(s.Nodes))].Name, []State{Bound, Preempting}[r.IntN(2)]
			}
		case 3:
			next.Node, next.State = "", []State{Pending, Unseen, Gated}[r.IntN(3)]
		case 4:
			next.Owner = []string{"", daemonSetKind, "ReplicaSet"}[r.IntN(3)]
		case 5:
			next.Budgets = []int{r.IntN(2)}
		case 6:
			next.Priority = -20
		}
		out.Pods = append(out.Pods, &next)
	}
	for range r.IntN(3) {
		if len(s.Pods) == 0 {
			break
		}
		next := *s.Pods[r.IntN(len(s.Pods))]
		next.Name, next.Node, next.State, next.Created = fmt.Sprintf("default/q%06d", r.IntN(1e6)), "", Pending, now
		out.Pods = append(out.Pods, &next)
	}
	slices.SortFunc(out.Pods, byPodName)
	if len(out.Nodes) > 0 && r.IntN(4) == 0 {
		i := r.IntN(len(out.Nodes))
		next := *out.Nodes[i]
		switch r.IntN(6) {
		case 0:
			next.Ready = !next.Ready
		case 1:
			next.Ready, next.Created = false, now.Add(-time.Duration(r.IntN(20))*time.Minute)
			if r.IntN(2) == 0 {
				next.Allocatable = scheduling.Resources{} // it has not said yet
			}
		case 2:
			next.Deleting = !next.Deleting
		case 3:
			next.Unschedulable = !next.Unschedulable
		case 4:
			next.Keep = !next.Keep
		case 5: // its GPUs do not show yet
			next.Labels = maps.Clone(next.Labels)
			next.Labels["accelerator"] = "t4"
			next.Ready, next.Created = true, now.Add(-time.Duration(r.IntN(20))*time.Minute)
		}
		out.Nodes[i] = &next
	}
	if len(s.Groups) > 0 && r.IntN(6) == 0 {
		out.Groups = slices.Clone(s.Groups)
		changeGroup(r, &out.Groups[r.IntN(len(out.Groups))], s.Pods)
	}
	if r.IntN(5) == 0 {
		policy.IgnoreDaemonSets = !policy.IgnoreDaemonSets
		policy.ForceDaemonSets = !policy.ForceDaemonSets
		policy.ExpendablePodsPriorityCutoff = []int32{-10, -30}[r.IntN(2)]
		policy.Headroom = []Headroom{{Name: "h", Count: r.IntN(4), Spec: scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 100 * (1 + r.Int64N(15)), Pods: 1}}}}
	}
	return &out, policy
}

// wrongGiveUp is a group that is to give up nodes that stand, or those of a group in which none is missing.
func wrongGiveUp(s *Snapshot, p *Plan) string {
	standing, target := map[string]int{}, map[string]int{}
	for _, n := range s.Nodes {
		standing[n.Group]++
	}
	for _, g := range s.Groups {
		target[g.Name] = g.Target
	}
	for _, less := range p.GiveUp {
		if less.From != target[less.Group] || less.To >= less.From || less.To < standing[less.Group] || less.Failed > less.From-less.To {
			return fmt.Sprintf("gives up %+v of size %d with %d nodes", less, target[less.Group], standing[less.Group])
		}
	}
	return ""
}

// changeGroup is what a provider says anew of a group.
func changeGroup(r *rand.Rand, g *Group, pods []*Pod) {
	ages := []*config.Duration{nil, new(config.Duration(0)), new(config.Duration(time.Minute)), new(config.Duration(20 * time.Minute))}
	g.Options = group.Options{
		IgnoreDaemonSets:     []*bool{nil, new(true), new(false)}[r.IntN(3)],
		UtilizationThreshold: []*float64{nil, new(0.0), new(0.3), new(1.0)}[r.IntN(4)],
		UnneededTime:         ages[r.IntN(4)],
		UnreadyTime:          ages[r.IntN(4)],
		MaxNodeProvisionTime: ages[r.IntN(4)],
		MaxNodeStartupTime:   ages[r.IntN(4)],
	}
	g.Template.Allocatable.MilliCPU = 1000 * (1 + r.Int64N(8))
	g.Options.AllOrNothing = r.IntN(2) == 0
	g.Template.Allocatable.Extended = []scheduling.Extended{{Name: gpuResource, Amount: r.Int64N(4)}}
	if g.Live, g.Runs = r.IntN(2) == 0, nil; g.Live && len(pods) > 0 {
		g.Runs = []Running{{Class: pods[r.IntN(len(pods))].Class}}
	}
	g.Trouble, g.Failed = "", nil
	if r.IntN(3) == 0 {
		g.Trouble = "the size is not known"
	}
	for i := range r.IntN(3) {
		g.Failed = append(g.Failed, fleet.Failed{Instance: fmt.Sprint("i-", i), Failure: fleet.Failure{Message: "out of capacity"}})
	}
	g.Target += r.IntN(3)
}
