package adapter

import (
	"context"
	"errors"

	"k8s.io/metrics/pkg/apis/custom_metrics"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/delegate"
	"github.com/trimtab/trimtab/adapter/rules"
)

// delegated asks the delegates for a custom metric that no rule exposes. It is true if that decides the request: a
// delegate has the metric, or nobody knows whether one has it.
func (r *request) delegated(ctx context.Context, p *plan, q api.CustomRequest, out *api.CustomAnswer) (*failure, bool) {
	if p != nil {
		if kind, ok := p.kinds.Kind(q.Resource); ok {
			q.Resource = kind.GroupResource // as delegates list it
		}
	}
	return r.eachDelegate(p, delegate.CustomAPI, func(d *delegate.Delegate) (bool, error) {
		list, mine, err := d.Custom(ctx, delegate.Request{
			Resource: q.Resource, Namespaced: q.Namespaced, Namespace: q.Namespace, Metric: q.Metric, Name: q.Name,
			Selector: q.Selector, MetricSelector: q.MetricSelector,
		})
		if mine && err == nil {
			takeOver(out, q, list)
			r.served(len(out.Items), len(out.Items), nil)
		}
		return mine, err
	})
}

// delegatedExternal does the same for an external metric.
func (r *request) delegatedExternal(ctx context.Context, p *plan, q api.ExternalRequest, out *api.ExternalAnswer) (*failure, bool) {
	return r.eachDelegate(p, delegate.ExternalAPI, func(d *delegate.Delegate) (bool, error) {
		list, mine, err := d.External(ctx, q.Namespace, q.Metric, q.Selector)
		if mine && err == nil {
			appendItems(out, list)
			r.servedExternal(out, nil)
		}
		return mine, err
	})
}

// eachDelegate asks one delegate after the other until one has the metric.
func (r *request) eachDelegate(p *plan, apiName string, ask func(d *delegate.Delegate) (mine bool, err error)) (*failure, bool) {
	if p == nil {
		return nil, false
	}
	var unsure error
	for _, d := range p.delegates {
		if !d.Serves(apiName) {
			continue
		}
		mine, err := ask(d)
		r.source = "delegate " + d.Name()
		switch {
		case mine && err != nil:
			return delegateFailure(r, err), true
		case mine:
			return nil, true
		case err != nil:
			unsure = err
		}
	}
	r.source = noSource
	if unsure != nil {
		return delegateFailure(r, unsure), true
	}
	return nil, false
}

func delegateFailure(r *request, err error) *failure {
	var failed *delegate.Failure
	if errors.As(err, &failed) {
		return &failure{code: rules.DelegateFailed, status: failed.StatusError, cause: failed.Cause}
	}
	return r.fail(rules.DelegateFailed, unavailable, "the delegates cannot tell"+seeCause).because(err)
}

// takeOver turns a delegate's list into an answer of this server.
func takeOver(out *api.CustomAnswer, q api.CustomRequest, list *custom_metrics.MetricValueList) {
	out.Namespace, out.Metric = q.Namespace, q.Metric
	for _, item := range list.Items {
		object := item.DescribedObject
		out.APIVersion, out.Kind, out.Selector = object.APIVersion, object.Kind, item.Metric.Selector
		one := api.CustomItem{Name: object.Name, Milli: item.Value.MilliValue(), TimestampMillis: item.Timestamp.UnixMilli()}
		if item.WindowSeconds != nil {
			one.WindowSeconds = *item.WindowSeconds
		}
		out.Items = append(out.Items, one)
	}
}
