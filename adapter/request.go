package adapter

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/internal/verdict"
)

const (
	customAPI   = "custom"
	externalAPI = "external"
	// resourceName is metrics.k8s.io.
	resourceName = "resource"
	// noSource and otherSource are used instead of a rule's path, where no rule or another part answers.
	noSource    = "none"
	otherSource = "external source"
	// retryAfter is the Retry-After where Prometheus named none. The HPA controller asks again after its 15s in any
	// case.
	retryAfter = 15 * time.Second
)

// failure is why a request has no answer.
type failure struct {
	code verdict.Code
	// status is what the client reads. It contains only its own question and trimtab's own words.
	status *apierrors.StatusError
	// cause is for the operator only, in the journal: the message of a server. It may name addresses, and a common
	// query names what other clients asked.
	cause error
}

func (f *failure) Error() string { return f.status.Error() }

// because adds the cause, which the client does not read.
func (f *failure) because(cause error) *failure {
	f.cause = cause
	return f
}

// seeCause ends a message whose cause only the operator can read.
const seeCause = "; the cause is in trimtab's log and at /debug/decisions"

// request follows one request from its start to its verdict.
type request struct {
	adapter *Adapter
	api     string
	subject verdict.Subject
	source  string
	began   time.Time
	facts   []verdict.Fact
	// lacks collects what to report about objects without a value, or with several.
	lacks
}

func (a *Adapter) begin(apiName string, subject verdict.Subject, namespace string) *request {
	if namespace != "" {
		subject.Name += " in " + namespace
	}
	return &request{adapter: a, api: apiName, subject: subject, source: noSource, began: a.deps.Now()}
}

// fail makes the failure of this request. The message for the client begins with the subject.
func (r *request) fail(code verdict.Code, status func(format string, args ...any) *apierrors.StatusError, format string, args ...any) *failure {
	return &failure{code: code, status: status("%s: %s", r.subject, fmt.Sprintf(format, args...))}
}

// refused ends the request with an error. Its text is bounded, since the HPA controller copies it into a status and
// Events.
func (r *request) refused(f *failure) error {
	f.status.ErrStatus.Message = text.Line(f.status.ErrStatus.Message)
	facts := []verdict.Fact{verdict.Text("answer", fmt.Sprintf("%d %s", f.status.ErrStatus.Code, f.status.ErrStatus.Message))}
	if f.cause != nil {
		facts = append(facts, verdict.Text("cause", f.cause.Error()))
	}
	r.end(f.code, append(facts, r.facts...)...)
	return f.status
}

// served ends the request with items of the wanted number of items.
func (r *request) served(items, wanted int, warnings []string) {
	facts := []verdict.Fact{verdict.Number("items", items)}
	code := rules.MetricServed
	if r.ambiguous > 0 {
		code = rules.MetricAmbiguous
	}
	if items < wanted {
		code = rules.MetricPartial
		facts = append(facts, verdict.Number("without a value", wanted-items))
	}
	facts = r.lacks.tell(facts)
	if len(warnings) > 0 {
		code = rules.MetricPartial
		facts = append(facts, verdict.Text("warning", warnings[0]))
	}
	r.end(code, append(facts, r.facts...)...)
}

func (r *request) end(code verdict.Code, facts ...verdict.Fact) {
	a := r.adapter
	a.metrics.answered(r.api, r.source, code, a.deps.Now().Sub(r.began))
	a.deps.Journal.Record(part, verdict.Because(r.subject, code, facts...))
}

// unknown is the failure of a metric that no rule exposes. It does not exist, or nobody knows, if something that may
// bring it was never read. A selector that Prometheus refuses brings nothing.
func (r *request) unknown(p *plan, what string) *failure {
	switch {
	case p == nil:
		return r.fail(rules.PrometheusUnavailable, unavailable, "the first discovery of series is not done yet")
	case len(p.missing) > 0:
		return r.fail(rules.PrometheusUnavailable, unavailable, "not known yet, and discovery is not complete"+seeCause).because(text.Join(p.missing...))
	case len(p.refused) > 0:
		return r.fail(rules.MetricUnknown, api.NotFound, "%s; %d series queries are refused by Prometheus"+seeCause, what, len(p.refused)).because(p.refused[0])
	default:
		return r.fail(rules.MetricUnknown, api.NotFound, "%s", what)
	}
}

func unavailable(format string, args ...any) *apierrors.StatusError {
	return api.Unavailable(retryAfter, format, args...)
}

func timedOut(format string, args ...any) *apierrors.StatusError {
	return api.TimedOut(retryAfter, format, args...)
}

// impossible is the failure of a query that cannot be written.
func (r *request) impossible(err error) *failure {
	if errors.Is(err, rules.ErrSelector) {
		return r.fail(rules.SelectorRefused, api.BadRequest, "%v", err)
	}
	return r.fail(rules.QueryImpossible, api.Internal, "%v", err)
}

// askNow evaluates a query at a time. Concurrent callers of the same query share one answer and must not change it. A
// caller that gives up does not take the answer from the others.
func (a *Adapter) askNow(ctx context.Context, server Server, tenant, promql string, at time.Time) (prom.Result, error) {
	flight := a.flights.DoChan(tenant+"\xff"+promql, func() (any, error) {
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.requestTimeout())
		defer cancel()
		return server.Query(shared, promql, at)
	})
	select {
	case <-ctx.Done():
		return prom.Result{}, ctx.Err()
	case answer := <-flight:
		if answer.Err != nil {
			return prom.Result{}, answer.Err
		}
		return answer.Val.(prom.Result), nil
	}
}

// askFailure makes the client's failure from an error of a query.
func (r *request) askFailure(ctx context.Context, q question, err error) *failure {
	fail := func(code verdict.Code, status func(format string, args ...any) *apierrors.StatusError, said string) *failure {
		return r.fail(code, status, "%s: %s when asked %s%s%s", r.source, said, q.text(), inPlainWords(err), seeCause).because(err)
	}
	var failed *prom.Error
	switch {
	case errors.As(err, &failed):
	case errors.Is(err, errNoVector):
		return fail(rules.QueryRefused, api.Internal, "Prometheus gives no vector")
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		return fail(rules.PrometheusSlow, timedOut, "Prometheus did not answer in time")
	default:
		return fail(rules.PrometheusUnavailable, unavailable, "Prometheus is not available")
	}
	wait := retryAfter
	if failed.RetryAfter > 0 {
		wait = failed.RetryAfter
	}
	later := func(format string, args ...any) *apierrors.StatusError { return api.Unavailable(wait, format, args...) }
	switch failed.Kind {
	case prom.Timeout:
		return fail(rules.PrometheusSlow, func(format string, args ...any) *apierrors.StatusError {
			return api.TimedOut(wait, format, args...)
		}, "Prometheus is slow")
	case prom.BadQuery:
		return fail(rules.QueryRefused, api.Internal, "Prometheus refused")
	case prom.TooLarge:
		return fail(rules.QueryRefused, api.Internal, "Prometheus answered more than maxResponseBytes")
	case prom.BadAnswer: // a page of a proxy, or a server that is starting
		return fail(rules.PrometheusUnavailable, later, "what answered is not Prometheus")
	default:
		return fail(rules.PrometheusUnavailable, later, "Prometheus is not available")
	}
}

// inPlainWords says why a connection failed, as the end of a sentence. It is a fetch.Error, which has no address and no
// text of a server.
func inPlainWords(err error) string {
	if failed, ok := errors.AsType[*fetch.Error](err); ok {
		return ": " + failed.Text
	}
	return ""
}
