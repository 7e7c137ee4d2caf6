package kube

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/plan"
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
	// daemons are those that the first round has found. What comes after them tolerates the node's going, and ends with it.
	daemons map[types.UID]bool
	// late are those that should have ended long before the first round. Nobody knows whether they ever end; the plan does
	// not count them either, so that they keep nothing.
	late map[types.UID]bool
	// firstTry is when the eviction of a pod was refused for the first time.
	firstTry map[types.UID]time.Time
	// told are the pods that have an Event of their eviction.
	told map[types.UID]bool
}

// evacuate evicts the pods of a node until none is left that has to be gone. empty says that there is none.
func (d *Drainer) evacuate(ctx context.Context, node string, empty bool) error {
	e := evacuation{
		Drainer: d, node: node, groups: d.cfg.EvictionGroups, waitForDaemons: len(d.cfg.EvictionGroups) > 0 && !empty,
		evictDaemons: d.cfg.DaemonSetsOfOccupied, firstTry: map[types.UID]time.Time{}, told: map[types.UID]bool{},
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

// meet notes, in the first round, the pods of DaemonSets that are to be evicted, and those that end too late.
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

// evictParallel bounds the evictions that one drain has under way.
const evictParallel = 8

// evictAll tries each pod once. A refusal of one that has to be gone is an error when it has lasted too long.
func (e *evacuation) evictAll(ctx context.Context, pods []*corev1.Pod) error {
	refused := make([]error, len(pods))
	slots := make(chan struct{}, evictParallel)
	var wg sync.WaitGroup
	for i, p := range pods {
		if !e.told[p.UID] {
			e.told[p.UID] = true
			e.deps.Events.Eventf(p, nil, corev1.EventTypeNormal, "ScaleDown", "Evict", "the pod is evicted: its node %s goes", e.node)
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			refused[i] = client.IgnoreNotFound(e.evict(ctx, p))
		})
	}
	wg.Wait()
	now := e.deps.Now()
	for i, p := range pods {
		if refused[i] == nil || !e.mustLeave(p) {
			continue
		}
		if _, tried := e.firstTry[p.UID]; !tried {
			e.firstTry[p.UID] = now
		}
		if tried := now.Sub(e.firstTry[p.UID]); tried >= e.cfg.MaxPodEvictionTime {
			e.deps.Events.Eventf(p, nil, corev1.EventTypeWarning, "ScaleDownFailed", "Evict", "the pod could not be evicted for %s, and its node %s stays: %v", tried.Round(time.Second), e.node, refused[i])
			return fmt.Errorf("pod %s/%s could not be evicted for %s: %w", p.Namespace, p.Name, tried.Round(time.Second), refused[i])
		}
	}
	return nil
}

// evict asks the API server to let this very pod go.
func (e *evacuation) evict(ctx context.Context, p *corev1.Pod) error {
	period := grace(p)
	if most := e.groups[groupOf(e.groups, p)].Grace; most > 0 {
		period = min(period, most)
	}
	seconds := int64(period / time.Second)
	return e.deps.Client.SubResource("eviction").Create(ctx, p, &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace},
		DeleteOptions: &metav1.DeleteOptions{
			GracePeriodSeconds: &seconds,
			Preconditions:      &metav1.Preconditions{UID: &p.UID},
		},
	})
}
