package scalers

import (
	"context"
	"fmt"
	"strings"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/external_metrics"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/replicas"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/status"
)

// ExternalMetric answers a request of an HPA of a ScaledObject. The bool says whether the selector names a
// ScaledObject. If not, another source may own the metric.
//
// The last reading answers while it is fresh. Otherwise the source is read, once for all that wait. A source that fails is an
// error 503 with its cause, and the HPA does not scale, unless the object's fallback is active.
func (s *Scalers) ExternalMetric(ctx context.Context, namespace, name string, selector labels.Selector) (*external_metrics.ExternalMetricValueList, bool, error) {
	owner, ok := ownerOf(selector)
	if !ok {
		return nil, false, nil
	}
	list, result, err := s.externalMetric(ctx, types.NamespacedName{Namespace: namespace, Name: owner}, name)
	s.metrics.answers.WithLabelValues(result).Inc()
	return list, true, err
}

func (s *Scalers) externalMetric(ctx context.Context, key types.NamespacedName, name string) (*external_metrics.ExternalMetricValueList, string, error) {
	if err := s.connect(); err != nil {
		return nil, "error", unavailable(key, name, err)
	}
	var so keda.ScaledObject
	if err := s.kube.Client.Get(ctx, key, &so); apierrors.IsNotFound(err) {
		return nil, "error", notFound(name)
	} else if err != nil {
		return nil, "error", unavailable(key, name, err)
	}
	checked, err := spec.Parse(&so, s.defaults())
	if err != nil {
		return nil, "error", unavailable(key, name, err)
	}
	var looked error
	set, err := s.triggers.openForHPA(ctx, spec.OwnerOf(&so), func() error {
		looked = s.kube.Client.Get(ctx, key, &keda.ScaledObject{})
		return looked
	})
	if apierrors.IsNotFound(looked) {
		return nil, "error", notFound(name)
	} else if err != nil {
		return nil, "error", unavailable(key, name, err)
	}
	for _, t := range set.opened {
		if !strings.EqualFold(t.metric.Name, name) { // client-go asks in lower case, whatever the HPA has
			continue
		}
		r := s.patients.read(ctx, t, s.maxAge(t, checked.Interval))
		if r.err == nil {
			return answer(name, r.sample.Value, r.at), "value", nil
		}
		f := checked.Replicas.Fallback
		if f.Tripped(status.Failures(&so.Status)[t.metric.Name]) {
			return answer(name, t.metric.Target*float64(f.Replicas), r.at), "fallback", nil
		}
		return nil, "error", unavailable(key, name, r.err)
	}
	return nil, "error", notFound(name)
}

// maxAge is the maximum age of a reading of t that answers an HPA.
func (s *Scalers) maxAge(t *openTrigger, interval time.Duration) time.Duration {
	maxAge := s.cfg.MetricMaxAge.Std()
	if t.cached {
		maxAge = max(maxAge, 2*interval)
	}
	if t.remembered().err != nil {
		maxAge = min(maxAge, retryAfter)
	}
	return maxAge
}

// ownerOf is the ScaledObject that a selector names.
func ownerOf(selector labels.Selector) (string, bool) {
	if selector == nil {
		return "", false
	}
	return selector.RequiresExactMatch(hpa.OwnerLabel)
}

func answer(name string, value float64, at time.Time) *external_metrics.ExternalMetricValueList {
	return &external_metrics.ExternalMetricValueList{Items: []external_metrics.ExternalMetricValue{{
		MetricName: name, Timestamp: metav1.NewTime(at), Value: hpa.Milli(value),
	}}}
}

func unavailable(key types.NamespacedName, name string, err error) error {
	message := fmt.Sprintf("%s, metric %s: %v", spec.Subject(key.Namespace, key.Name), text.Short(name), err)
	return apierrors.NewServiceUnavailable(text.Line(message)) // the HPA controller copies it into its status and Events
}

func notFound(name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: external_metrics.GroupName, Resource: "externalmetrics"}, name)
}

// toReading makes the decision's input from a reading.
func toReading(t *openTrigger, r reading) replicas.Reading {
	out := replicas.Reading{Trigger: t.metric.Name, State: replicas.Value, Value: r.sample.Value, Activation: t.Activation, Active: r.sample.Active}
	switch {
	case r.err != nil:
		out.State, out.Value, out.Error = replicas.Failed, 0, r.err.Error()
	case r.sample.Empty:
		out.State = replicas.Empty
	}
	return out
}
