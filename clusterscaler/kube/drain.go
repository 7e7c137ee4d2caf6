package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// drain taints, waits, judges again, empties and removes a node, when nobody asks for time any more.
func (d *Drainer) drain(ctx context.Context, r plan.Removal, h history, remove func(context.Context) error) error {
	if err := d.mark(ctx, r.Node, h); err != nil {
		return err
	}
	fresh, v, err := d.deps.Recheck(ctx, r.Node)
	switch {
	case err != nil:
		return err
	case v.Code != plan.Unneeded:
		return fmt.Errorf("it may no longer go: %s", v.Message())
	case !h.resumed && r.Empty && !fresh.Empty:
		return fmt.Errorf("it was empty and has got pods: %s", v.Message())
	}
	kind, reason, note := corev1.EventTypeNormal, "ScaleDown", "its pods move, and then the node goes"
	switch {
	case !h.deleted.IsZero():
		kind, reason = corev1.EventTypeWarning, "ScaleDownFailed"
		note = fmt.Sprintf("the provider accepted to delete the node %s ago, and it still stands: it is asked again", d.deps.Now().Sub(h.deleted).Round(time.Second))
	case fresh.Empty:
		reason, note = "ScaleDownEmpty", "the node goes; it has no pods to move"
	}
	facts := v.Facts
	if !h.resumed {
		facts = append(verdict.Facts{verdict.Ratio("utilization", r.Utilization)}, facts...)
	}
	if h.deleted.IsZero() && len(facts) > 0 {
		note += ": " + facts.String()
	}
	d.event(ctx, r.Node, kind, reason, note)
	if err := d.evacuate(ctx, r.Node, fresh.Empty); err != nil {
		return err
	}
	if err := d.awaitOthers(ctx, r.Node); err != nil {
		return err
	}
	return remove(ctx)
}

// mark puts the taint on a node, and lets the scheduler see it. Where it was seen before it is only made sure of.
func (d *Drainer) mark(ctx context.Context, node string, h history) error {
	if h.resumed && h.deleted.IsZero() {
		return nil // the taint is how the node was found
	}
	err := setTaint(ctx, d.deps.Live, d.deps.Client, node, true, d.deps.Now())
	if err != nil || h.resumed {
		return err
	}
	return wait(ctx, d.cfg.DelayAfterTaint)
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
