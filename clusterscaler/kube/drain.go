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
func (d *Drainer) drain(ctx context.Context, r plan.Removal, resumed bool, remove func(context.Context) error) error {
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
	if err := d.evacuate(ctx, r.Node, fresh.Empty); err != nil {
		return err
	}
	if err := d.awaitOthers(ctx, r.Node); err != nil {
		return err
	}
	return remove(ctx)
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
