package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// The reasons of Events on the status ConfigMap, as cluster-autoscaler has them.
const (
	eventScaledUpGroup  = "ScaledUpGroup"
	eventGroupFailed    = "FailedToScaleUpGroup"
	eventScaleUpFailed  = "ScaleUpFailed"
	eventTimedOut       = "ScaleUpTimedOut"
	eventRevertFailed   = "FailedToRevertScaleUp"
	eventDeleted        = "DeleteUnregistered"
	eventDeletionFailed = "DeleteUnregisteredFailed"
	eventScaleDown      = "ScaleDown"
	eventScaleDownEmpty = "ScaleDownEmpty"
	eventRemovalFailed  = "ScaleDownFailed"
	eventUnhealthy      = "ClusterUnhealthy"
	eventMaxNodesTotal  = "MaxNodesTotalReached"
)

// statusEvents collects what a loop did, for Events on the status ConfigMap.
type statusEvents struct {
	waiting []statusEvent
	// lasting has the conditions of the last loop by their reasons. It becomes an Event when it begins.
	lasting map[string]bool
}

type statusEvent struct{ kind, reason, note string }

func (e *statusEvents) normal(reason string, format string, args ...any) {
	e.waiting = append(e.waiting, statusEvent{corev1.EventTypeNormal, reason, fmt.Sprintf(format, args...)})
}

func (e *statusEvents) warn(reason string, format string, args ...any) {
	e.waiting = append(e.waiting, statusEvent{corev1.EventTypeWarning, reason, fmt.Sprintf(format, args...)})
}

// increased tells of a group that was to grow, and has grown by added.
func (e *statusEvents) increased(up plan.Increase, added int, err error) {
	if err != nil {
		class := ""
		if f := fleet.FailureOf(err); f.Class != fleet.Other {
			class = " (" + f.Class.String() + ")"
		}
		part := ""
		if added > 0 {
			part = fmt.Sprintf(", only to %d", up.From+added)
		}
		e.warn(eventGroupFailed, "group %s could not grow from %d to %d%s%s: %v", up.Group, up.From, up.To, part, class, err)
		return
	}
	e.normal(eventScaledUpGroup, "group %s grows from %d to %d (max %d) for %d pods", up.Group, up.From, up.To, up.Max, len(up.Pods))
}

// decreased tells of nodes that have not come.
func (e *statusEvents) decreased(less plan.Decrease, err error) {
	if less.Failed > 0 {
		e.warn(eventScaleUpFailed, "%d nodes of group %s could not be launched", less.Failed, less.Group)
	}
	if late := less.From - less.To - less.Failed; late > 0 {
		e.warn(eventTimedOut, "%d nodes of group %s have not registered in time", late, less.Group)
	}
	if err != nil {
		e.warn(eventRevertFailed, "group %s still works towards %d nodes instead of %d: %v", less.Group, less.From, less.To, err)
	}
}

// deleted tells of instances that have not registered in time.
func (e *statusEvents) deleted(group string, accepted []fleet.Victim, refused map[fleet.Victim]error) {
	for _, v := range accepted {
		e.normal(eventDeleted, "instance %s of group %s has not registered in time and is deleted", v.ID, group)
	}
	for _, v := range slices.SortedFunc(maps.Keys(refused), func(a, b fleet.Victim) int { return cmp.Compare(a.ID, b.ID) }) {
		e.warn(eventDeletionFailed, "instance %s of group %s has not registered in time and could not be deleted: %v", v.ID, group, refused[v])
	}
}

// begins tells of a removal that begins.
func (e *statusEvents) begins(r plan.Removal) {
	if r.Empty {
		e.normal(eventScaleDownEmpty, "node %s of group %s goes; it has no pods to move", r.Node, r.Group)
		return
	}
	e.normal(eventScaleDown, "node %s of group %s goes: %s; pods to move: %d", r.Node, r.Group, verdict.Facts{verdict.Ratio("utilization", r.Utilization)}, len(r.Moves))
}

// overdue tells of a node that the provider accepted to delete, and that still stands.
func (e *statusEvents) overdue(node, group string, ago time.Duration) {
	e.warn(eventRemovalFailed, "the provider accepted to delete node %s of group %s %s ago, and it still stands: it is asked again", node, group, ago)
}

// ended tells of a node that was to go and is kept.
func (e *statusEvents) ended(o kube.Outcome) {
	if o.Err != nil {
		e.warn(eventRemovalFailed, "node %s of group %s is kept: %v", o.Node, o.Group, o.Err)
	}
}

// state tells of conditions that begin.
func (e *statusEvents) state(p *plan.Plan) {
	holds := map[string]string{}
	if p.Cluster.Code == plan.ClusterUnhealthy {
		holds[eventUnhealthy] = "nothing is done: " + p.Cluster.Facts.String()
	}
	for i := range p.Groups {
		if p.Groups[i].Code == plan.MaxNodesTotalReached {
			holds[eventMaxNodesTotal] = "no group grows: " + p.Groups[i].Facts.String()
		}
	}
	before := e.lasting
	e.lasting = make(map[string]bool, len(holds))
	for _, reason := range []string{eventUnhealthy, eventMaxNodesTotal} {
		note, now := holds[reason]
		e.lasting[reason] = now
		if now && !before[reason] {
			e.warn(reason, "%s", note)
		}
	}
}

// take returns what was collected, and begins anew.
func (e *statusEvents) take(p *plan.Plan) []statusEvent {
	e.state(p)
	said := e.waiting
	e.waiting = nil
	return said
}

// tell writes Events on the ConfigMap. A loop has few: one for each group or node that it acted on.
func tell(recorder events.EventRecorder, all []statusEvent, name types.NamespacedName, uid types.UID) {
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name, UID: uid}}
	for _, event := range all {
		recorder.Eventf(object, nil, event.kind, event.reason, "Scale", "%s", event.note)
	}
}
