package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// kept is what does not depend on the moment: the nodes, and the pods that run on them or are about to.
type kept struct {
	classes *scheduling.Classes
	// known is how many classes the cluster knows.
	known int
	nodes []*Node
	pods  []*Pod
	// cutoff is the priority below which pods are left out.
	cutoff int32
	// cluster holds the nodes at their own indices. stages says how each was put there.
	cluster *scheduling.Cluster
	stages  []stage
	// groupNames are the groups that nodes say they are of, and groupOf has for each node the index of its own.
	groupNames []string
	groupOf    []int
	// ids finds the nodes by name. going are the nodes that are being deleted.
	ids   map[string]scheduling.NodeID
	going []scheduling.NodeID
	// on lists the pods of each node in the order of their names: bound and nominated ones. Those
	// below the cutoff, and pods that should have ended, are left out.
	on [][]*Pod
	// ending are the pods in on that are being deleted.
	ending map[*Pod]bool
	// waiting are the pods that are not bound, in the order of their names, and asked finds them there.
	waiting []*Pod
	asked   map[*Pod]int
	// used is what share of each node is requested, as far as it has been measured.
	used []use
}

// stage is how a node takes part. That of a node that is not ready depends on the time.
type stage uint8

const (
	stageOpen     stage = iota // it takes pods
	stageStarting              // it counts as it will be once it is ready
	stageClosed                // it takes none
)

// stageOf says it by the policy for the node's group.
func stageOf(n *Node, p *Policy, now time.Time) stage {
	switch {
	case n.Deleting:
		return stageClosed
	case n.Ready && !p.awaitsGPU(n, now) && !(n.Lacking && now.Sub(n.Created) < p.MaxNodeStartupTime):
		return stageOpen
	case now.Sub(n.Created) < p.MaxNodeStartupTime:
		return stageStarting
	default:
		return stageClosed
	}
}

// startPolicies finds the policy by which the nodes of a group start: that of all, but where the group has a
// MaxNodeStartupTime of its own.
func startPolicies(s *Snapshot, p *Policy) func(group string) *Policy {
	var own map[string]*Policy
	for i := range s.Groups {
		if g := &s.Groups[i]; g.Options.MaxNodeStartupTime != nil {
			if own == nil {
				own = map[string]*Policy{}
			}
			own[g.Name] = p.with(&g.Options)
		}
	}
	return func(group string) *Policy {
		if policy, has := own[group]; has {
			return policy
		}
		return p
	}
}

// newKept puts the snapshot's nodes and bound pods into a cluster.
func newKept(s *Snapshot, p Policy, now time.Time) *kept {
	k := &kept{
		classes: s.Classes, known: s.Classes.Len(), nodes: s.Nodes, pods: s.Pods, cutoff: p.ExpendablePodsPriorityCutoff,
		cluster: scheduling.NewCluster(s.Classes), stages: make([]stage, len(s.Nodes)),
		ids: make(map[string]scheduling.NodeID, len(s.Nodes)), on: make([][]*Pod, len(s.Nodes)),
		ending: map[*Pod]bool{}, used: make([]use, len(s.Nodes)),
	}
	policyOf := startPolicies(s, &p)
	for i, n := range s.Nodes {
		k.stages[i] = stageOf(n, policyOf(n.Group), now)
		offer := &n.Node
		if n.Deleting && !slices.ContainsFunc(n.Taints, func(t scheduling.Taint) bool { return t.Key == group.GoingTaint }) {
			tainted := n.Node // the cache does not show it yet
			tainted.Taints = append(slices.Clone(n.Taints), goingTaint())
			offer = &tainted
		}
		if k.stages[i] == stageStarting {
			offer = onceReady(s, n, policyOf(n.Group), now)
		}
		id := k.cluster.AddNode(offer)
		if k.stages[i] == stageClosed {
			k.cluster.Hide(id)
		}
		k.ids[n.Name] = id
		if n.Deleting {
			k.going = append(k.going, id)
		}
	}
	numbers := map[string]int{}
	for _, n := range s.Nodes {
		number, known := numbers[n.Group]
		if !known {
			number = len(k.groupNames)
			numbers[n.Group] = number
			k.groupNames = append(k.groupNames, n.Group)
		}
		k.groupOf = append(k.groupOf, number)
	}
	k.cluster.SetFilterPlugins(s.FilterPlugins)
	for _, pod := range s.Pods {
		if id, counts := k.counts(pod, now); counts {
			k.add(pod, id)
			k.on[id] = append(k.on[id], pod)
		}
	}
	k.list()
	k.cluster.Commit()
	return k
}

// list lists the pods that are not bound. It lists all anew: to put many into their places one by one takes quadratic time.
func (k *kept) list() {
	k.waiting, k.asked = nil, map[*Pod]int{}
	for _, pod := range k.pods {
		if pod.State != Bound {
			k.asked[pod] = len(k.waiting)
			k.waiting = append(k.waiting, pod)
		}
	}
}

// startupTaint is whether a node has the taint until it is ready.
func startupTaint(key string) bool {
	switch key {
	case "node.kubernetes.io/not-ready", "node.kubernetes.io/network-unavailable", "node.cloudprovider.kubernetes.io/uninitialized":
		return true
	}
	return false
}

// onceReady is the node without the taints of its start, and with its group's resources, features and Profile where it has
// not reported its own.
func onceReady(s *Snapshot, n *Node, p *Policy, now time.Time) *scheduling.Node {
	offer := n.Node
	offer.Taints = nil
	for _, t := range n.Taints {
		if !startupTaint(t.Key) {
			offer.Taints = append(offer.Taints, t)
		}
	}
	if i := slices.IndexFunc(s.Groups, func(g Group) bool { return g.Name == n.Group }); i >= 0 {
		template := &s.Groups[i].Template
		switch {
		case !reported(n):
			offer.Allocatable, offer.Features = template.Allocatable, template.Features
		case p.awaitsGPU(n, now):
			offer.Allocatable = offer.Allocatable.Plus(gpusOnly(template.Allocatable), 1)
		}
		if offer.Profile == "" || n.Lacking { // its drivers have not registered yet
			offer.Profile = template.Profile
		}
	}
	return &offer
}

// followsGroup is whether what a starting node will be depends on its group.
func followsGroup(s *Snapshot, n *Node, p *Policy, now time.Time) bool {
	return !reported(n) || p.awaitsGPU(n, now) || s.FilterPlugins != nil && (n.Profile == "" || n.Lacking)
}

// reported is whether the node has said what it offers.
func reported(n *Node) bool { return n.Allocatable.Pods != 0 }

// counts is whether the pod takes room on a node, and on which.
func (k *kept) counts(pod *Pod, now time.Time) (scheduling.NodeID, bool) {
	if pod.State != Bound && pod.State != Preempting || pod.overdue(now) || pod.Priority < k.cutoff {
		return 0, false
	}
	id, stands := k.ids[pod.Node]
	return id, stands
}

// add gives the pod room on the node.
func (k *kept) add(pod *Pod, id scheduling.NodeID) {
	k.cluster.Place(pod.Class, id, 1)
	k.used[id] = use{}
	if !pod.Deleted.IsZero() {
		k.ending[pod] = true
	}
}

// follow brings it up to the next snapshot, unless that differs by more than pods of known classes.
func (k *kept) follow(s *Snapshot, p Policy, now time.Time) bool {
	if p.ExpendablePodsPriorityCutoff != k.cutoff || s.Classes != k.classes || s.Classes.Len() != k.known || !slices.Equal(s.Nodes, k.nodes) {
		return false
	}
	policyOf := startPolicies(s, &p)
	for i, n := range s.Nodes {
		own := policyOf(n.Group)
		if stage := stageOf(n, own, now); stage != k.stages[i] || stage == stageStarting && followsGroup(s, n, own, now) {
			return false
		}
	}
	k.followPods(s.Pods, now)
	for pod := range k.ending {
		if pod.overdue(now) {
			k.remove(pod)
		}
	}
	k.cluster.Commit()
	if s.FilterPlugins != k.cluster.FilterPlugins() {
		k.cluster.SetFilterPlugins(s.FilterPlugins)
	}
	return true
}

// followPods looks for what differs in two lists that are both in the order of their names.
func (k *kept) followPods(next []*Pod, now time.Time) {
	before, waits := k.pods, false
	k.pods = next
	for len(before) > 0 || len(next) > 0 {
		if len(before) > 0 && len(next) > 0 && before[0] == next[0] {
			before, next = before[1:], next[1:]
			continue
		}
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(next) == 0:
			order = -1
		default:
			order = strings.Compare(before[0].Name, next[0].Name)
		}
		if order <= 0 {
			waits = waits || before[0].State != Bound
			k.remove(before[0])
			before = before[1:]
		}
		if order >= 0 {
			waits = waits || next[0].State != Bound
			k.enter(next[0], now)
			next = next[1:]
		}
	}
	if waits {
		k.list()
	}
}

func byPodName(a, b *Pod) int { return strings.Compare(a.Name, b.Name) }

// enter adds a pod of the next snapshot.
func (k *kept) enter(pod *Pod, now time.Time) {
	if id, counts := k.counts(pod, now); counts {
		k.add(pod, id)
		k.on[id] = inserted(k.on[id], pod)
	}
}

// inserted puts the pod where its name belongs.
func inserted(list []*Pod, pod *Pod) []*Pod {
	at, _ := slices.BinarySearchFunc(list, pod, byPodName)
	return slices.Insert(list, at, pod)
}

// remove takes back the room that the pod had, if it had any.
func (k *kept) remove(pod *Pod) {
	id, stands := k.ids[pod.Node]
	if !stands {
		return
	}
	at := slices.Index(k.on[id], pod)
	if at < 0 {
		return
	}
	k.on[id] = slices.Delete(k.on[id], at, at+1)
	k.cluster.Take(pod.Class, id, 1)
	k.used[id] = use{}
	delete(k.ending, pod)
}
