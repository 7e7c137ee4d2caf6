package plan

import (
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// What is decided on the cluster; pods, groups and nodes of an unhealthy one have its code.
const (
	// ClusterHealthy: so few nodes are unready that the others are planned with.
	ClusterHealthy verdict.Code = "ClusterHealthy"
	// ClusterUnhealthy: too many nodes of the cluster are not ready; nothing is done.
	ClusterUnhealthy verdict.Code = "ClusterUnhealthy"
)

// What is decided on a pending pod.
const (
	// TriggeredScaleUp: a group grows for the pod.
	TriggeredScaleUp verdict.Code = "TriggeredScaleUp"
	// NotTriggerScaleUp: no group can take the pod.
	NotTriggerScaleUp verdict.Code = "NotTriggerScaleUp"
	// FitsNow: the pod fits on a node that stands; the scheduler will place it.
	FitsNow verdict.Code = "FitsNow"
	// FitsUpcomingNode: the pod fits on a node that is on its way.
	FitsUpcomingNode verdict.Code = "FitsUpcomingNode"
	// Expendable: the priority is below the cutoff.
	Expendable verdict.Code = "Expendable"
	// SchedulingGated: the pod is held back by its scheduling gates.
	SchedulingGated verdict.Code = "SchedulingGated"
	// Unprocessed: the scheduler has not yet said that the pod is unschedulable.
	Unprocessed verdict.Code = "Unprocessed"
	// DaemonSetPod: a DaemonSet's pod belongs to one node and needs no other.
	DaemonSetPod verdict.Code = "DaemonSetPod"
	// YoungerThanDelay: the pod waits for newPodScaleUpDelay or its own annotation.
	YoungerThanDelay verdict.Code = "YoungerThanDelay"
	// Settling: all pods that need a node are younger than two seconds; more may come.
	Settling verdict.Code = "Settling"
	// ConstraintNotModelled: the pod has a scheduling group, or volumes or device claims that nobody judges.
	ConstraintNotModelled verdict.Code = "ConstraintNotModelled"
	// WaitsForNode: the scheduler has nominated a node for the pod, or the pod is being deleted.
	WaitsForNode verdict.Code = "WaitsForNode"
)

// What is said, when it is asked for, of a pod that runs.
const (
	// MovesWithNode: the pod would be evicted if its node went, and run elsewhere.
	MovesWithNode verdict.Code = "MovesWithNode"
	// EndsWithNode: the pod belongs to its node, is below the cutoff, or is ending already.
	EndsWithNode verdict.Code = "EndsWithNode"
)

// What is decided on a group.
const (
	// ScaledUpGroup: the group grows.
	ScaledUpGroup verdict.Code = "ScaledUpGroup"
	// NotChosen: the group could take pods, but the expander preferred another.
	NotChosen verdict.Code = "NotChosen"
	// NoPodFits: no pod that needs a node fits on one of this group.
	NoPodFits verdict.Code = "NoPodFits"
	// NotNeeded: no pod needs a node.
	NotNeeded verdict.Code = "NotNeeded"
	// MaxGroupSizeReached: the group has its maximal size.
	MaxGroupSizeReached verdict.Code = "MaxGroupSizeReached"
	// GroupUnhealthy: too many nodes of the group are not ready.
	GroupUnhealthy verdict.Code = "GroupUnhealthy"
	// GroupInTrouble: the provider does not know enough of the group to let it grow.
	GroupInTrouble verdict.Code = "GroupInTrouble"
	// BackedOff: the group failed to grow recently.
	BackedOff verdict.Code = "BackedOff"
	// MaxNodesTotalReached: the cluster has its maximal number of nodes.
	MaxNodesTotalReached verdict.Code = "MaxNodesTotalReached"
	// ResourceLimitReached: the nodes of the cluster have as many cores or GPUs, or as much memory, as they may.
	ResourceLimitReached verdict.Code = "ResourceLimitReached"
	// OpensDomain: pods that wait for nodes elsewhere would break their spread constraint.
	OpensDomain verdict.Code = "OpensDomain"
	// MaxNodesPerScaleUpReached: the rest follows in the next loop.
	MaxNodesPerScaleUpReached verdict.Code = "MaxNodesPerScaleUpReached"
)

// What is decided on a node; cluster-autoscaler's names where it has one.
const (
	// Unneeded: the node is removed: it is underused and its pods fit elsewhere.
	Unneeded verdict.Code = "Unneeded"
	// NotAutoscaled: the node belongs to no group.
	NotAutoscaled verdict.Code = "NotAutoscaled"
	// CurrentlyBeingDeleted: the node is being drained or deleted.
	CurrentlyBeingDeleted verdict.Code = "CurrentlyBeingDeleted"
	// DeletionOverdue: the provider has accepted to delete the node, and it still stands.
	DeletionOverdue verdict.Code = "DeletionOverdue"
	// ScaleDownDisabledAnnotation: the node's annotation scale-down-disabled keeps it.
	ScaleDownDisabledAnnotation verdict.Code = "ScaleDownDisabledAnnotation"
	// ScaleDownUnreadyDisabled: the node is not ready and scaleDownUnreadyEnabled is false.
	ScaleDownUnreadyDisabled verdict.Code = "ScaleDownUnreadyDisabled"
	// ScaleDownDisabled: scaleDownEnabled is false.
	ScaleDownDisabled verdict.Code = "ScaleDownDisabled"
	// NotUnderutilized: the node's utilization is above the threshold.
	NotUnderutilized verdict.Code = "NotUnderutilized"
	// NodeGroupMinSizeReached: the group has its minimal size, or would have it by the removals before this one.
	NodeGroupMinSizeReached verdict.Code = "NodeGroupMinSizeReached"
	// MinimalResourceLimitExceeded: without the node the cluster would have fewer cores or GPUs, or less memory, than it must.
	MinimalResourceLimitExceeded verdict.Code = "MinimalResourceLimitExceeded"
	// BlockedByPod: a pod on the node must not be evicted; the rule is named.
	BlockedByPod verdict.Code = "BlockedByPod"
	// BlockedByOnCompletionPod: a pod on the node may only go when it has completed.
	BlockedByOnCompletionPod verdict.Code = "BlockedByOnCompletionPod"
	// NoPlaceToMovePods: a pod of the node fits on no node that stays.
	NoPlaceToMovePods verdict.Code = "NoPlaceToMovePods"
	// AtomicScaleDownFailed: the node is of a group that has all of its nodes or none, and another of them stays.
	AtomicScaleDownFailed verdict.Code = "AtomicScaleDownFailed"
	// BreaksHeadroom: without the node there would be less headroom than is configured.
	BreaksHeadroom verdict.Code = "BreaksHeadroom"
	// ReceivesPods: pods of nodes that are removed before this one move here.
	ReceivesPods verdict.Code = "ReceivesPods"
	// NotUnneededLongEnough: the node is unneeded, but not yet for scaleDownUnneededTime.
	NotUnneededLongEnough verdict.Code = "NotUnneededLongEnough"
	// NotUnreadyLongEnough: the node is unready and unneeded, but not yet for scaleDownUnreadyTime.
	NotUnreadyLongEnough verdict.Code = "NotUnreadyLongEnough"
	// InCooldown: the node is unneeded, but a scale-up, deletion or failure was a short time ago.
	InCooldown verdict.Code = "InCooldown"
	// MaxParallelismReached: the node is unneeded, but as many nodes as allowed are being removed.
	MaxParallelismReached verdict.Code = "MaxParallelismReached"
	// WouldBeAddedBack: after the removal the next loop would not place the node's pods and would add a node.
	WouldBeAddedBack verdict.Code = "WouldBeAddedBack"
	// Starting: the node has registered and is not ready yet.
	Starting verdict.Code = "Starting"
	// UnexpectedError: the node reports no allocatable CPU or memory, or not all of its devices, so its utilization is unknown.
	UnexpectedError verdict.Code = "UnexpectedError"
)

// Codes lists all codes of the clusterscaler's cores for the reference page.
func Codes() []verdict.CodeDoc {
	docs := []verdict.CodeDoc{
		{Code: ClusterHealthy, Meaning: "Of the cluster's nodes no more are unready than okTotalUnreadyCount, or than maxTotalUnreadyPercentage"},
		{Code: ClusterUnhealthy, Severity: verdict.Warning, Meaning: "More nodes of the cluster are unready than okTotalUnreadyCount and maxTotalUnreadyPercentage allow: nothing is done"},
		{Code: TriggeredScaleUp, Meaning: "A group grows for the pod"},
		{Code: NotTriggerScaleUp, Meaning: "No group can take the pod; the reason of each is named"},
		{Code: FitsNow, Meaning: "The pod fits on a node that stands; the scheduler will place it"},
		{Code: FitsUpcomingNode, Meaning: "The pod fits on a node that is on its way"},
		{Code: Expendable, Meaning: "The pod's priority is below expendablePodsPriorityCutoff"},
		{Code: SchedulingGated, Meaning: "The pod is held back by its scheduling gates"},
		{Code: Unprocessed, Meaning: "The scheduler has not yet said that the pod is unschedulable"},
		{Code: DaemonSetPod, Meaning: "A DaemonSet's pod belongs to one node and needs no other"},
		{Code: YoungerThanDelay, Meaning: "The pod is younger than newPodScaleUpDelay or its own delay annotation"},
		{Code: Settling, Meaning: "All pods that need a node are younger than two seconds; more may come"},
		{Code: ConstraintNotModelled, Meaning: "The pod has a scheduling group, or volumes or device claims that nobody judges; the fact names it"},
		{Code: WaitsForNode, Meaning: "The scheduler has nominated a node for the pod and makes room there, or the pod is being deleted"},
		{Code: MovesWithNode, Meaning: "The pod runs; if its node went it would be evicted, and run elsewhere"},
		{Code: EndsWithNode, Meaning: "The pod runs and belongs to its node, has a priority below expendablePodsPriorityCutoff, or is ending already"},
		{Code: ScaledUpGroup, Meaning: "The group grows"},
		{Code: NotChosen, Meaning: "The group could take pods, but the expander preferred another"},
		{Code: NoPodFits, Meaning: "No pod that needs a node fits on one of this group"},
		{Code: NotNeeded, Meaning: "No pod needs a node"},
		{Code: MaxGroupSizeReached, Meaning: "The group has its maximal size"},
		{Code: GroupUnhealthy, Severity: verdict.Warning, Meaning: "More nodes of the group are unready than okTotalUnreadyCount and maxTotalUnreadyPercentage allow"},
		{Code: GroupInTrouble, Severity: verdict.Warning, Meaning: "The provider does not know enough of the group to let it grow; its words are repeated"},
		{Code: BackedOff, Severity: verdict.Warning, Meaning: "The group failed to grow recently and is left alone for a while"},
		{Code: MaxNodesTotalReached, Meaning: "The cluster has maxNodesTotal nodes"},
		{Code: ResourceLimitReached, Meaning: "The nodes of the cluster have as many cores (coresTotal) or GPUs of a type (gpuTotal), or as much memory (memoryTotal), as they may"},
		{Code: OpensDomain, Meaning: "The group's first node would open a domain (a zone, for example) with so few pods that others, which wait for their nodes elsewhere, would break their spread constraint; it can grow once those run"},
		{Code: MaxNodesPerScaleUpReached, Meaning: "The group, or similar groups together, grow by maxNodesPerScaleup at most in one loop; the pods that the expander would put there wait for the next"},
	}
	return append(append(docs, nodeCodes()...), scheduling.Codes()...)
}

func nodeCodes() []verdict.CodeDoc {
	return []verdict.CodeDoc{
		{Code: Unneeded, Meaning: "The node is removed: it is underused and its pods fit elsewhere"},
		{Code: NotAutoscaled, Meaning: "The node belongs to no group"},
		{Code: CurrentlyBeingDeleted, Meaning: "The node is being drained or deleted"},
		{Code: DeletionOverdue, Severity: verdict.Warning, Meaning: "The provider accepted to delete the node more than five minutes ago, and it still stands; it is asked again every five minutes, unless it says that it is deleting the node"},
		{Code: ScaleDownDisabledAnnotation, Meaning: "The node's annotation scale-down-disabled keeps it"},
		{Code: ScaleDownUnreadyDisabled, Meaning: "The node is not ready and scaleDownUnreadyEnabled is false"},
		{Code: ScaleDownDisabled, Meaning: "scaleDownEnabled is false"},
		{Code: NotUnderutilized, Meaning: "The node's utilization is above the threshold"},
		{Code: NodeGroupMinSizeReached, Meaning: "The group has its minimal size, or would have it by the removals before this one"},
		{Code: MinimalResourceLimitExceeded, Meaning: "Without the node the cluster would have fewer cores (coresTotal) or GPUs of a type (gpuTotal), or less memory (memoryTotal), than it must"},
		{Code: BlockedByPod, Meaning: "A pod on the node must not be evicted; the rule is named"},
		{Code: BlockedByOnCompletionPod, Meaning: "A pod on the node may only go when it has completed"},
		{Code: NoPlaceToMovePods, Meaning: "A pod of the node fits on no node that stays; closest is the one that it comes closest to fitting on, and what it lacks there"},
		{Code: AtomicScaleDownFailed, Meaning: "The group has all of its nodes or none (zeroOrMaxNodeScaling), and another of them stays"},
		{Code: BreaksHeadroom, Meaning: "Without the node there would be less headroom than is configured; the headroom is named"},
		{Code: ReceivesPods, Meaning: "Pods of nodes that are removed before this one move here"},
		{Code: NotUnneededLongEnough, Meaning: "The node is unneeded, but not yet for scaleDownUnneededTime"},
		{Code: NotUnreadyLongEnough, Meaning: "The node is unready and unneeded, but not yet for scaleDownUnreadyTime"},
		{Code: InCooldown, Meaning: "The node is unneeded, but a scale-up, deletion or failure was a short time ago"},
		{Code: MaxParallelismReached, Meaning: "The node is unneeded, but as many nodes as allowed are being removed"},
		{Code: WouldBeAddedBack, Meaning: "After the removal the next loop would not place the node's pods and would add a node"},
		{Code: Starting, Meaning: "The node has registered and is not ready yet"},
		{Code: UnexpectedError, Severity: verdict.Warning, Meaning: "The node reports no allocatable CPU or memory, or not all of its devices, so its utilization is unknown"},
	}
}
