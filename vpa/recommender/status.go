package recommender

import (
	"context"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/internal/wanted"
	"github.com/trimtab/trimtab/vpa/recommend"
)

// plan is the decision of a round for one VPA.
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

// plan decides the next status of a VPA, and whether to write it.
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

// wantStatuses requests the writes that are worth it; namespaces take turns. A status whose write fails stays as it
// was, and later rounds decide again.
func (r *Recommender) wantStatuses(plans []plan) {
	var writes []wanted.Write[*plan]
	for i := range plans {
		p := &plans[i]
		if !p.write {
			r.metrics.statuses.WithLabelValues("unchanged").Inc()
			continue
		}
		o := *p.observed
		p.observed, o.pods = &o, nil // otherwise deleted pods would stay in memory as long as the write waits
		// A changed spec may correct what made the API server refuse the status.
		writes = append(writes, wanted.Write[*plan]{Key: p.key.String(), Version: strconv.FormatInt(p.object.Generation, 10), Value: p})
	}
	r.writers.statuses.Want(statusesTimeout, inTurns(writes, func(w wanted.Write[*plan]) string { return w.Value.key.Namespace }))
}

// writeStatus patches the status with the differences from the object of the plan.
func (r *Recommender) writeStatus(ctx context.Context, p *plan) error {
	changed := p.object.DeepCopy()
	changed.Status = p.next
	err := r.kube.Client.Status().Patch(ctx, changed, client.MergeFrom(p.object))
	switch {
	case client.IgnoreNotFound(err) == nil: // or it was deleted meanwhile
		r.metrics.statuses.WithLabelValues("written").Inc()
		r.note(wrote{status: p.memory, at: r.now()})
		r.tell(p)
		return nil
	case !isEnd(ctx):
		r.metrics.statuses.WithLabelValues("failed").Inc()
		err = fmt.Errorf("patch status of %s: %w", p.subject, err)
		r.journal.Record("vpa", verdict.Because(p.subject.Part("status", ""), recommend.StatusFailed, verdict.Text("error", err.Error())))
	}
	return err
}

// tell sends an Event when a VPA has become unsupported.
func (r *Recommender) tell(p *plan) {
	if r.kube.Events == nil || p.unsupported == "" || recommend.Condition(p.object.Status, vpav1.ConfigUnsupported) {
		return
	}
	r.kube.Events.Eventf(p.object, nil, corev1.EventTypeWarning, string(recommend.ConfigUnsupported), "ReadTarget", "%s", p.unsupported)
}
