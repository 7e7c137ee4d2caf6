package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// drain taints, waits, judges again, empties and deletes a node.
func (d *Drainer) drain(ctx context.Context, r plan.Removal, resumed bool) error {
	if !resumed {
		if err := setTaint(ctx, d.deps.Live, d.deps.Client, r.Node, true, d.deps.Now()); err != nil {
			return err
		}
		if err := wait(ctx, d.cfg.DelayAfterTaint); err != nil {
			return err
		}
	}
	fresh, v, err := d.deps.Judge(ctx, r.Node)
	switch {
	case err != nil:
		return err
	case v.Code != plan.Unneeded:
		return fmt.Errorf("it may no longer go: %s", v.Message())
	case !resumed && r.Empty && !fresh.Empty:
		return fmt.Errorf("it was empty and has got pods: %s", v.Message())
	}
	reason, note := "ScaleDown", "its pods move, and then the node goes"
	if fresh.Empty {
		reason, note = "ScaleDownEmpty", "the node goes; it has no pods to move"
	}
	facts := v.Facts
	if !resumed {
		facts = append(verdict.Facts{verdict.Ratio("utilization", r.Utilization)}, facts...)
	}
	if len(facts) > 0 {
		note += ": " + facts.String()
	}
	d.event(ctx, r.Node, corev1.EventTypeNormal, reason, note)
	if err := d.empty(ctx, r.Node); err != nil {
		return err
	}
	return d.deps.Delete(ctx, r.Group, r.Node)
}

// wait is nil after that time, or the error of ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// mustLeave is whether the pod has to be gone before its node goes.
func mustLeave(p *corev1.Pod) bool {
	owner := metav1.GetControllerOfNoCopy(p)
	return !finished(p) && p.Annotations[corev1.MirrorPodAnnotationKey] == "" && (owner == nil || owner.Kind != "DaemonSet")
}

// empty evicts the pods of a node, as many at a time as their budgets allow, until none is left.
func (d *Drainer) empty(ctx context.Context, node string) error {
	firstTry := map[types.UID]time.Time{}
	// Pods that are late when the drain begins keep nothing, as when it was planned; nobody knows whether they ever end.
	var hopeless map[types.UID]bool
	for {
		pods, err := podsOn(ctx, d.deps.Live, node)
		if err != nil {
			return err
		}
		if hopeless == nil {
			hopeless = d.late(pods)
		}
		var evict []*corev1.Pod
		left := 0
		for i := range pods {
			p := &pods[i]
			if !mustLeave(p) || hopeless[p.UID] {
				continue
			}
			left++
			if p.DeletionTimestamp == nil {
				evict = append(evict, p)
			} else if late := d.deps.Now().Sub(p.DeletionTimestamp.Time); late > 30*time.Second {
				return fmt.Errorf("pod %s/%s has not ended %s after its grace period", p.Namespace, p.Name, late.Round(time.Second))
			}
		}
		if left == 0 {
			return nil
		}
		if err := d.evictAll(ctx, evict, firstTry); err != nil {
			return err
		}
		if err := wait(ctx, d.cfg.Poll); err != nil {
			return err
		}
	}
}

// late are the pods that the plan does not count either: they should have ended their grace period and 30s ago.
func (d *Drainer) late(pods []corev1.Pod) map[types.UID]bool {
	out := map[types.UID]bool{}
	for i := range pods {
		if p := &pods[i]; p.DeletionTimestamp != nil && d.deps.Now().Sub(p.DeletionTimestamp.Time) > grace(p)+30*time.Second {
			out[p.UID] = true
		}
	}
	return out
}

// evictParallel bounds the evictions that one drain has under way.
const evictParallel = 8

// evictAll tries each pod once. A refusal is an error when it has lasted too long.
func (d *Drainer) evictAll(ctx context.Context, pods []*corev1.Pod, firstTry map[types.UID]time.Time) error {
	refused := make([]error, len(pods))
	slots := make(chan struct{}, evictParallel)
	var wg sync.WaitGroup
	for i, p := range pods {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			refused[i] = client.IgnoreNotFound(d.evict(ctx, p))
		})
	}
	wg.Wait()
	now := d.deps.Now()
	for i, p := range pods {
		if refused[i] == nil {
			continue
		}
		if _, tried := firstTry[p.UID]; !tried {
			firstTry[p.UID] = now
		}
		if tried := now.Sub(firstTry[p.UID]); tried >= d.cfg.MaxPodEvictionTime {
			return fmt.Errorf("pod %s/%s could not be evicted for %s: %w", p.Namespace, p.Name, tried.Round(time.Second), refused[i])
		}
	}
	return nil
}

// evict asks the API server to let this very pod go.
func (d *Drainer) evict(ctx context.Context, p *corev1.Pod) error {
	period := int64(min(grace(p), d.cfg.MaxGracefulTermination) / time.Second)
	return d.deps.Client.SubResource("eviction").Create(ctx, p, &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace},
		DeleteOptions: &metav1.DeleteOptions{
			GracePeriodSeconds: &period,
			Preconditions:      &metav1.Preconditions{UID: &p.UID},
		},
	})
}
