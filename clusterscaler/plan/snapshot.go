package plan

import (
	"strings"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Snapshot is the cluster as it was observed at one moment. Nothing of it is ever changed, not by Decide and not by who
// made it: the Snapshot of the next moment has new Nodes and Pods where something is different, and shares the others,
// by which a Planner knows them.
type Snapshot struct {
	// Classes holds the Specs of all pods and DaemonSets below.
	Classes *scheduling.Classes
	Nodes   []*Node
	// Pods are all that have not finished, bound or not, in the order of their names.
	Pods       []*Pod
	DaemonSets []DaemonSet
	Budgets    []Budget
	Groups     []Group
	// FilterPlugins decide on volumes and device claims; nil where pods with such have a Constraint.
	FilterPlugins scheduling.FilterPlugins
}

// Node is a node that has registered.
type Node struct {
	scheduling.Node
	// Capacity is what the machine has; nothing as long as it has not said so.
	Capacity scheduling.Resources
	// Group is the name of the group that the node belongs to; empty when none of ours.
	Group   string
	Ready   bool
	Created time.Time
	// Lacking says that drivers or devices that new nodes of the group have may yet come to the node.
	Lacking bool
	// Deleting says that the node carries the taint of a node that is going, or will in a moment.
	Deleting bool
	// DeletingSince is since when it carries the taint; zero where the taint does not say.
	DeletingSince time.Time
	// Keep says that an annotation forbids to remove the node.
	Keep bool
}

// State is where a pod stands on its way to a node.
type State uint8

// The states of a pod.
const (
	Bound      State = iota // it has a node
	Pending                 // the scheduler found no node for it
	Unseen                  // the scheduler has not tried yet
	Gated                   // it has scheduling gates
	Preempting              // it waits for its nominated node, where Node names it
)

// Eviction is what the annotation safe-to-evict says.
type Eviction uint8

// The values of the annotation.
const (
	EvictionUnset Eviction = iota
	EvictionSafe
	EvictionUnsafe
	EvictionOnCompletion
)

// Pod is a pod that has not finished.
type Pod struct {
	// Name is namespace/name.
	Name  string
	Class scheduling.Class
	// Constraint names what of the pod is not modelled; empty for most.
	Constraint string
	State      State
	// Node is where the pod runs or is nominated to.
	Node     string
	Priority int32
	Created  time.Time
	// Delay is the pod's own wait before it triggers a scale-up; 0 when it has none.
	Delay time.Duration

	// Owner is the kind of the controller; empty for a bare pod.
	Owner string
	// AsDaemon says that an annotation makes it a pod of a DaemonSet, whoever owns it.
	AsDaemon bool
	// OwnerMissing says that the controller named in the pod does not exist.
	OwnerMissing bool
	// FewReplicas says that the controller is to have fewer pods than keep a node.
	FewReplicas bool
	Mirror      bool
	// Deleted is when deletion began (zero: it did not) and Grace how long the pod may take.
	Deleted  time.Time
	Grace    time.Duration
	Eviction Eviction
	// LocalVolumes names the volumes with local data that no annotation calls safe to lose.
	LocalVolumes []string
	// Budgets are the indices of the disruption budgets that select the pod.
	Budgets []int

	// spareOf is the headroom that the pod is of, which does not exist.
	spareOf *spare
}

// Namespace is the namespace in the name.
func (p *Pod) Namespace() string {
	ns, _, _ := strings.Cut(p.Name, "/")
	return ns
}

const daemonSetKind = "DaemonSet"

// fixed is whether the pod lives and dies with its node.
func (p *Pod) fixed() bool { return p.Mirror || p.daemon() }

// daemon is whether the pod counts as one of a DaemonSet.
func (p *Pod) daemon() bool { return p.AsDaemon || p.Owner == daemonSetKind }

// overdue is whether the pod should have ended some time ago: it holds nothing any more.
func (p *Pod) overdue(now time.Time) bool {
	return !p.Deleted.IsZero() && now.Sub(p.Deleted) > p.Grace+30*time.Second
}

// DaemonSet is one that puts a pod on each node it suits.
type DaemonSet struct {
	Name  string
	Class scheduling.Class
}

// Running is a pod that belongs to a node.
type Running struct {
	// DaemonSet is namespace/name of the one whose pod it is; empty for a mirror pod, and for one that is AsDaemon.
	DaemonSet string
	Class     scheduling.Class
}

// Budget is a PodDisruptionBudget.
type Budget struct {
	// Name is namespace/name.
	Name string
	// Allowed is how many pods may be disrupted now.
	Allowed int
}

// Group is a node group as it is believed to be, with what the Snapshot adds: what a new node offers.
type Group struct {
	fleet.Belief
	// Template is what a new node offers, before DaemonSets.
	Template scheduling.Node
	// Capacity is what the machine has, of which Template.Allocatable is left for pods.
	Capacity scheduling.Resources
	// Live says that Template and Capacity are those of a node of the group, and Runs what belongs to that node.
	Live bool
	// Runs are the pods that each new node runs from its start, where Live is set. Where it is not the DaemonSets that suit
	// the Template run there.
	Runs []Running
}

// with is the policy for a group with these options.
func (p *Policy) with(o *group.Options) *Policy {
	if *o == (group.Options{}) {
		return p
	}
	own := *p
	override(&own.UtilizationThreshold, o.UtilizationThreshold)
	override(&own.GPUUtilizationThreshold, o.GPUUtilizationThreshold)
	override(&own.UnneededTime, (*time.Duration)(o.UnneededTime))
	override(&own.UnreadyTime, (*time.Duration)(o.UnreadyTime))
	override(&own.MaxNodeProvisionTime, (*time.Duration)(o.MaxNodeProvisionTime))
	override(&own.MaxNodeStartupTime, (*time.Duration)(o.MaxNodeStartupTime))
	override(&own.IgnoreDaemonSets, o.IgnoreDaemonSets)
	return &own
}

func override[T any](value, own *T) {
	if own != nil {
		*value = *own
	}
}
