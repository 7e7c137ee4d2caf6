package vpa

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"golang.org/x/sync/errgroup"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/recommend"
)

// plan is what a round decided for one VPA.
type plan struct {
	*observed
	memory   *state
	next     vpav1.VerticalPodAutoscalerStatus
	write    bool
	verdicts []verdict.Verdict
	// state and containers are for the metrics.
	state      string
	containers int
}

// plan decides the next status of a VPA, and whether it is to be written.
func (r *Recommender) plan(s *state, o *observed, now time.Time) plan {
	p := plan{observed: o, memory: s}
	in := recommend.Input{
		Subject: o.subject, Annotations: o.object.Annotations, Policy: o.object.Spec.ResourcePolicy,
		Containers: s.known(o),
	}
	if old := o.object.Status.Recommendation; old != nil {
		in.Previous = old.ContainerRecommendations
	}
	outcome := recommend.Outcome{Unsupported: o.unsupported, Pods: len(o.pods)}
	outcome.Containers, p.verdicts = recommend.Recommend(r.settings, in)
	switch {
	case o.unsupported != "":
		p.state = "unsupported"
		p.verdicts = append(p.verdicts, verdict.Because(o.subject, recommend.ConfigUnsupported, verdict.Text("reason", o.unsupported)))
	case len(o.pods) == 0:
		p.state = "no_pods"
		p.verdicts = append(p.verdicts, verdict.Because(o.subject, recommend.NoPodsMatched))
	case len(outcome.Containers) == 0:
		p.state = "without_recommendation"
		p.verdicts = append(p.verdicts, verdict.Because(o.subject, recommend.NoSamples, verdict.Number("pods", len(o.pods))))
	default:
		p.state = "recommended"
		p.verdicts = append(p.verdicts, verdict.Because(o.subject, recommend.Recommended,
			verdict.Number("containers", len(outcome.Containers)), verdict.Number("pods", len(o.pods))))
	}
	p.containers = len(outcome.Containers)
	p.next = recommend.NextStatus(o.object.Status, o.object.Generation, outcome, now)
	p.write = recommend.WorthWriting(o.object.Status, p.next, now.Sub(s.statusWritten), r.cfg.StatusPatience.Std())
	return p
}

// writeStatuses writes those that are worth it, several at a time. One that fails stays as it was and is
// decided anew in the next round.
func (r *Recommender) writeStatuses(ctx context.Context, plans []plan) {
	failed := make([]error, len(plans))
	var group errgroup.Group
	group.SetLimit(r.cfg.UpdateWorkerCount)
	for i := range plans {
		if plans[i].write {
			group.Go(func() error {
				failed[i] = r.writeStatus(ctx, &plans[i])
				return nil
			})
		}
	}
	_ = group.Wait() // the errors are in failed
	for i := range plans {
		p := &plans[i]
		switch {
		case !p.write:
			r.metrics.statuses.WithLabelValues("unchanged").Inc()
		case failed[i] != nil && ctx.Err() != nil: // we are being stopped
		case failed[i] != nil:
			r.metrics.statuses.WithLabelValues("failed").Inc()
			r.journal.Record("vpa", verdict.Because(p.subject.Part("status", ""), recommend.StatusFailed, verdict.Text("error", failed[i].Error())))
		default:
			r.metrics.statuses.WithLabelValues("written").Inc()
			p.memory.statusWritten = r.now()
			r.tell(p)
		}
	}
}

// writeStatus patches the status with what differs from the object that the plan was made for.
func (r *Recommender) writeStatus(ctx context.Context, p *plan) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	changed := p.object.DeepCopy()
	changed.Status = p.next
	err := r.kube.Client.Status().Patch(ctx, changed, client.MergeFrom(p.object))
	if apierrors.IsNotFound(err) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("patch status of %s: %w", p.subject, err)
	}
	return nil
}

// tell sends an Event when a VPA has become unsupported.
func (r *Recommender) tell(p *plan) {
	if r.kube.Events == nil || p.unsupported == "" || recommend.Condition(p.object.Status, vpav1.ConfigUnsupported) {
		return
	}
	r.kube.Events.Eventf(p.object, nil, corev1.EventTypeWarning, string(recommend.ConfigUnsupported), "ReadTarget", "%s", p.unsupported)
}
