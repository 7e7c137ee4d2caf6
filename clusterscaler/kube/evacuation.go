package kube

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/evict"
)

// annotationEvictDaemon says of a DaemonSet's pod whether it is evicted from a node that goes, whatever the configuration
// says of such pods.
const annotationEvictDaemon = "cluster-autoscaler.kubernetes.io/enable-ds-eviction"

// evacuation empties one node, in rounds. Each round looks at the node's pods as they are now, and takes out those of the
// lowest priority group that is left, as many as their budgets allow: what a round needs stands in the cluster, so that
// one that another process began goes on where it was.
type evacuation struct {
	*Drainer
	node string
	// groups has at least one.
	groups []plan.EvictionGroup
	// evictDaemons is whether pods of DaemonSets are evicted that have no annotation; waitForDaemons that they have to be
	// gone like the others.
	evictDaemons, waitForDaemons bool
	// daemons are the DaemonSet pods that the first round has found. Later ones tolerate the node's taint, and end with the node.
	daemons map[types.UID]bool
	// late are pods that should have ended long before the first round. Nobody knows whether they ever end, so they do not hold
	// the drain up. The plan does not count them either.
	late    map[types.UID]bool
	evictor *evict.Evictor
	// told are the pods that have an Event of their eviction.
	told map[types.UID]bool
}

// evacuate evicts the pods of a node until none is left that has to be gone. empty says that there is none.
func (d *Drainer) evacuate(ctx context.Context, node string, empty bool) error {
	e := evacuation{
		Drainer: d, node: node, groups: d.cfg.EvictionGroups, waitForDaemons: len(d.cfg.EvictionGroups) > 0 && !empty,
		evictDaemons: d.cfg.DaemonSetsOfOccupied, evictor: evict.New(d.deps.Client, d.deps.Now), told: map[types.UID]bool{},
	}
	if len(e.groups) == 0 {
		e.groups = []plan.EvictionGroup{{Grace: d.cfg.MaxGracefulTermination}}
	}
	if empty {
		e.evictDaemons = d.cfg.DaemonSetsOfEmpty
	}
	for {
		done, err := e.round(ctx)
		if done || err != nil {
			return err
		}
		if err := wait(ctx, d.cfg.Poll); err != nil {
			return err
		}
	}
}

// round is done when no pod is left that has to be gone.
func (e *evacuation) round(ctx context.Context) (done bool, err error) {
	pods, err := podsOn(ctx, e.deps.Live, e.node)
	if err != nil {
		return false, err
	}
	e.meet(pods)
	group := e.turn(pods)
	var evict []*corev1.Pod
	done = true
	for i := range pods {
		p := &pods[i]
		must := e.mustLeave(p)
		if !must && !e.daemons[p.UID] || groupOf(e.groups, p) > group {
			continue
		}
		done = done && !must
		if p.DeletionTimestamp == nil {
			evict = append(evict, p)
		} else if late := e.deps.Now().Sub(p.DeletionTimestamp.Time); must && late > lateAfter {
			return false, fmt.Errorf("pod %s/%s has not ended %s after its grace period", p.Namespace, p.Name, late.Round(time.Second))
		}
	}
	return done, e.evictAll(ctx, evict)
}

// lateAfter is how long after its grace period a pod is not waited for any more.
const lateAfter = 30 * time.Second

// meet notes, in the first round, the pods of DaemonSets that are to be evicted, and the pods that end too late.
func (e *evacuation) meet(pods []corev1.Pod) {
	if e.daemons != nil {
		return
	}
	e.daemons, e.late = map[types.UID]bool{}, map[types.UID]bool{}
	for i := range pods {
		if p := &pods[i]; p.DeletionTimestamp != nil && e.deps.Now().Sub(p.DeletionTimestamp.Time) > lateAfter {
			e.late[p.UID] = true
		} else if !finished(p) && !isMirror(p) && !expendable(p, e.cfg.ExpendableBelow) && isDaemon(p) && e.wantsDaemon(p) {
			e.daemons[p.UID] = true
		}
	}
}

// wantsDaemon is whether the pod of a DaemonSet is evicted.
func (e *evacuation) wantsDaemon(p *corev1.Pod) bool {
	switch p.Annotations[annotationEvictDaemon] {
	case "true":
		return true
	case "false":
		return false
	}
	return e.evictDaemons
}

// turn is the lowest group of which a pod has to be gone. When there is none, all groups have their turn.
func (e *evacuation) turn(pods []corev1.Pod) int {
	group := len(e.groups)
	for i := range pods {
		if e.mustLeave(&pods[i]) {
			group = min(group, groupOf(e.groups, &pods[i]))
		}
	}
	return group
}

// groupOf is the index of the pod's group.
func groupOf(groups []plan.EvictionGroup, p *corev1.Pod) int {
	priority := int32(0)
	if p.Spec.Priority != nil {
		priority = *p.Spec.Priority
	}
	above := slices.IndexFunc(groups, func(g plan.EvictionGroup) bool { return g.Priority > priority })
	switch above {
	case -1:
		return len(groups) - 1
	case 0:
		return 0
	default:
		return above - 1
	}
}

// mustLeave is whether the pod has to be gone before its node goes.
func (e *evacuation) mustLeave(p *corev1.Pod) bool {
	switch {
	case finished(p) || isMirror(p) || e.late[p.UID] || expendable(p, e.cfg.ExpendableBelow):
		return false
	case isDaemon(p):
		return e.waitForDaemons && e.daemons[p.UID]
	}
	return true
}

func isMirror(p *corev1.Pod) bool { return p.Annotations[corev1.MirrorPodAnnotationKey] != "" }

// evictAll tries each pod once. A refusal of one that has to be gone is an error when it has lasted too long.
func (e *evacuation) evictAll(ctx context.Context, pods []*corev1.Pod) error {
	var round []evict.Pod
	for _, p := range pods {
		if !e.told[p.UID] {
			e.told[p.UID] = true
			e.deps.Events.Eventf(p, nil, corev1.EventTypeNormal, "ScaleDown", "Evict", "the pod is evicted: its node %s goes", e.node)
		}
		round = append(round, evict.Pod{Pod: p, MaxGrace: e.groups[groupOf(e.groups, p)].Grace})
	}
	for _, r := range e.evictor.Round(ctx, round) {
		if !e.mustLeave(r.Pod) || r.For < e.cfg.MaxPodEvictionTime {
			continue
		}
		tried := r.For.Round(time.Second)
		e.deps.Events.Eventf(r.Pod, nil, corev1.EventTypeWarning, "ScaleDownFailed", "Evict", "the pod could not be evicted for %s, and its node %s stays: %v", tried, e.node, r.Err)
		return fmt.Errorf("pod %s/%s could not be evicted for %s: %w", r.Pod.Namespace, r.Pod.Name, tried, r.Err)
	}
	return nil
}
