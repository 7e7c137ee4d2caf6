package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/prom"
)

// custom asks in the words of a URL: "prod/pods/a/m" or "nodes/*/m", then the selectors of objects and metric.
func (f *fixture) custom(t testing.TB, path string, selectors ...string) (string, error) {
	t.Helper()
	parts := strings.Split(path, "/")
	namespace := ""
	if len(parts) == 4 {
		namespace, parts = parts[0], parts[1:]
	}
	parsed := [2]labels.Selector{labels.Everything(), labels.Everything()}
	for i, s := range selectors {
		var err error
		if parsed[i], err = labels.Parse(s); err != nil {
			t.Fatal(err)
		}
	}
	q := api.CustomRequest{
		Resource: schema.ParseGroupResource(parts[0]), Namespaced: namespace != "", Namespace: namespace, Metric: parts[2], Name: parts[1],
		Selector: parsed[0], MetricSelector: parsed[1],
	}
	if q.Name == "*" {
		q.Name = ""
	}
	var answer api.CustomAnswer
	if err := f.Custom(t.Context(), q, &answer); err != nil {
		return "", err
	}
	var out []string
	for _, item := range answer.Items {
		text := fmt.Sprintf("%s %s %s/%s %dm@%d", answer.APIVersion, answer.Kind, answer.Namespace, item.Name, item.Milli, item.TimestampMillis/1000)
		if answer.Selector != nil {
			raw, _ := json.Marshal(answer.Selector)
			text += " " + string(raw)
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n"), nil
}

// The queries are prometheus-adapter's own; the values keep the sample's time.
func TestCustomMetrics(t *testing.T) {
	const byPod = `sum(rate(http_requests_total{namespace="prod",pod=~"a|b"}[2m])) by (pod)`
	for _, c := range []struct {
		name, path, objects, metric string
		query                       string
		answer                      []string
		want                        string
	}{
		{"by name", "prod/pods/a/http_requests", "", "", `sum(rate(http_requests_total{namespace="prod",pod="a"}[2m])) by (pod)`, []string{"pod=a 1.5"}, "/v1 Pod prod/a 1500m@1000"},
		{"singular", "prod/pod/a/http_requests", "", "", `sum(rate(http_requests_total{namespace="prod",pod="a"}[2m])) by (pod)`, []string{"pod=a 1.5"}, "/v1 Pod prod/a 1500m@1000"},
		{"by selector", "prod/pods/*/http_requests", "app=web", "", byPod, []string{"pod=b 2", "pod=a 1"}, "/v1 Pod prod/a 1000m@1000\n/v1 Pod prod/b 2000m@1000"},
		{"a pod without a sample is left out", "prod/pods/*/http_requests", "app=web", "", byPod, []string{"pod=b 2"}, "/v1 Pod prod/b 2000m@1000"},
		{"NaN is no value", "prod/pods/*/http_requests", "app=web", "", byPod, []string{"pod=a NaN", "pod=b 2"}, "/v1 Pod prod/b 2000m@1000"},
		{"of two samples the last counts", "prod/pods/*/http_requests", "app=web", "", byPod, []string{"pod=a 1", "pod=a 3"}, "/v1 Pod prod/a 3000m@1000"},
		{"metric selector", "prod/pods/a/http_requests", "", "code!=500,verb in (GET)", `sum(rate(http_requests_total{code!="500",verb=~"GET",namespace="prod",pod="a"}[2m])) by (pod)`, []string{"pod=a 0"},
			`/v1 Pod prod/a 0m@1000 {"matchExpressions":[{"key":"code","operator":"NotIn","values":["500"]},{"key":"verb","operator":"In","values":["GET"]}]}`},
		{"nodes", "nodes/*/http_requests", "", "", `sum(rate(http_requests_total{node=~"n-1\\.x|n-2\\.x"}[2m])) by (node)`, []string{"node=n-1.x 4"}, "/v1 Node /n-1.x 4000m@1000"},
		{"namespace", "namespaces/prod/http_requests", "", "", `sum(rate(http_requests_total{namespace="prod"}[2m])) by (namespace)`, []string{"namespace=prod 9"}, "/v1 Namespace /prod 9000m@1000"},
		{"other kinds", "prod/services/*/http_requests", "", "", `sum(rate(http_requests_total{namespace="prod",service="s"}[2m])) by (service)`, []string{"service=s 5"}, "/v1 Service prod/s 5000m@1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.Discover(t.Context())
			f.prom.answers[c.query] = vector(t, c.answer...)
			got, err := f.custom(t, c.path, c.objects, c.metric)
			if err != nil || got != c.want {
				t.Errorf("got %s, %v\nwant %s\nasked %s", got, err, c.want, f.prom.asked)
			}
		})
	}
}

// Each failure has its status, its verdict, and a message with rule, query and cause.
func TestFailuresAreToldWithTheirCause(t *testing.T) {
	const query = `sum(rate(http_requests_total{namespace="prod",pod="a"}[2m])) by (pod)`
	subject := "metric pods/http_requests in prod"
	for _, c := range []struct {
		name, path, selector string
		change               func(*testing.T, *fakeProm)
		status               int32
		code, subject, says  string
	}{
		{"unknown metric", "prod/pods/a/nothing", "", nil, 404, "MetricUnknown", "metric pods/nothing in prod", "no rule exposes it"},
		{"unknown kind", "prod/gadgets/a/http_requests", "", nil, 404, "MetricUnknown", "metric gadgets/http_requests in prod", "serves no resource gadgets"},
		{"no sample", "prod/pods/a/http_requests", "", nil, 404, "NoSample", subject, "rules[0] asked " + query},
		{"no objects", "prod/pods/*/http_requests", "app=none", nil, 404, "ObjectsUnknown", subject, `no pods match the selector "app=none"`},
		{"NaN", "prod/pods/a/http_requests", "", func(t *testing.T, p *fakeProm) { p.answers[query] = vector(t, "pod=a NaN") }, 503, "ValueUnusable", subject, "the value is NaN"},
		{"infinite", "prod/pods/a/http_requests", "", func(t *testing.T, p *fakeProm) { p.answers[query] = vector(t, "pod=a +Inf") }, 503, "ValueUnusable", subject, "the value is +Inf"},
		{"down", "prod/pods/a/http_requests", "", func(_ *testing.T, p *fakeProm) { p.down = promError(prom.Unavailable, "connection refused") }, 503, "PrometheusUnavailable", subject, "rules[0]: Prometheus is not available when asked " + query},
		{"slow", "prod/pods/a/http_requests", "", func(_ *testing.T, p *fakeProm) { p.down = promError(prom.Timeout, "no answer") }, 504, "PrometheusSlow", subject, "rules[0]: Prometheus is slow when asked " + query},
		{"refused", "prod/pods/a/http_requests", "", func(_ *testing.T, p *fakeProm) { p.down = promError(prom.BadQuery, "parse error") }, 500, "QueryRefused", subject, "rules[0]: Prometheus refused"},
		{"garbage", "prod/pods/a/http_requests", "", func(_ *testing.T, p *fakeProm) { p.down = promError(prom.BadAnswer, "not JSON") }, 503, "PrometheusUnavailable", subject, "what answered is not Prometheus"},
		{"too large", "prod/pods/a/http_requests", "", func(_ *testing.T, p *fakeProm) { p.down = promError(prom.TooLarge, "64 MiB") }, 500, "QueryRefused", subject, "more than maxResponseBytes"},
		{"a matrix", "prod/pods/a/http_requests", "", func(_ *testing.T, p *fakeProm) { p.answers[query] = prom.Result{Value: model.Matrix{}} }, 500, "QueryRefused", subject, "a vector is needed"},
		{"no namespace label", "prod/pods/a/other", "", nil, 500, "QueryImpossible", "metric pods/other in prod", "rules[1] ties no label to namespaces"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.Discover(t.Context())
			if c.change != nil {
				c.change(t, f.prom)
			}
			_, err := f.custom(t, c.path, c.selector)
			checkStatus(t, err, c.status, c.says)
			if code := f.lastCode(c.subject); code != c.code {
				t.Errorf("verdict %q on %q, want %s", code, c.subject, c.code)
			}
			if failed, ok := errors.AsType[*prom.Error](f.prom.down); ok {
				f.checkCause(t, failed.Error())
			}
		})
	}
}

func checkStatus(t *testing.T, err error, code int32, says string) {
	t.Helper()
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		t.Fatalf("error %v has no status", err)
	}
	s := status.Status()
	if s.Code != code || !strings.Contains(s.Message, says) {
		t.Errorf("%d %s\nwant %d with %s", s.Code, s.Message, code, says)
	}
	if retry := s.Details != nil && s.Details.RetryAfterSeconds > 0; retry != (code == 503 || code == 504) {
		t.Errorf("%d: Retry-After is given: %t", code, retry)
	}
}

// checkCause asserts that the journal has the cause of the last failure, which the caller did not read.
func (f *fixture) checkCause(t *testing.T, cause string) {
	t.Helper()
	last := f.journal.Recent(journal.Filter{Limit: 1})
	if len(last) == 0 || !strings.Contains(last[0].Message, cause) {
		t.Errorf("the journal does not have the cause %q: %+v", cause, last)
	}
}

func TestASelectorThatPromQLDoesNotKnowIsTheClientsMistake(t *testing.T) {
	f := newFixture(t)
	f.Discover(t.Context())
	_, err := f.custom(t, "prod/pods/a/http_requests", "", "weight>3")
	checkStatus(t, err, 400, `operator "gt" of label "weight"`)
}

// A partial answer is used, and known to be one.
func TestWarningsMakeTheAnswerPartial(t *testing.T) {
	f := newFixture(t)
	f.Discover(t.Context())
	answer := vector(t, "pod=a 1")
	answer.Warnings = []string{"store s1 is down"}
	f.prom.answers[`sum(rate(http_requests_total{namespace="prod",pod="a"}[2m])) by (pod)`] = answer
	if _, err := f.custom(t, "prod/pods/a/http_requests"); err != nil {
		t.Fatal(err)
	}
	if code := f.lastCode("metric pods/http_requests in prod"); code != "MetricPartial" {
		t.Errorf("verdict %s", code)
	}
	if n := testutil.ToFloat64(f.metrics.requests.WithLabelValues("custom", "rules[0]", "MetricPartial")); n != 1 {
		t.Errorf("trimtab_adapter_requests_total counts %v", n)
	}
}

// However many ask the same at the same time, Prometheus is asked once; one who gives up does not take the
// answer from the others.
func TestIdenticalQueriesShareOneCall(t *testing.T) {
	f := newFixture(t)
	f.Discover(t.Context())
	synctest.Test(t, func(t *testing.T) {
		f.prom.hold = make(chan struct{})
		f.prom.answers[`sum(queue{})`] = vector(t, "=x 7")
		ask := func(ctx context.Context) error {
			return f.External(ctx, api.ExternalRequest{Namespace: "prod", Metric: "queue", Selector: labels.Everything()}, new(api.ExternalAnswer))
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone := make(chan error, 1)
		go func() { gone <- ask(impatient) }()
		synctest.Wait() // the impatient one has asked first
		answers := make(chan error, 50)
		for range cap(answers) {
			go func() { answers <- ask(t.Context()) }()
		}
		synctest.Wait()
		checkStatus(t, <-gone, 504, "Prometheus did not answer in time")
		close(f.prom.hold)
		for range cap(answers) {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if len(f.prom.asked) != 1 {
			t.Errorf("%d calls for one query", len(f.prom.asked))
		}
	})
}

// A query that hangs ends with the request's time-out, for those who wait and for the call itself.
func TestNothingWaitsLongerThanTheRequestTimeout(t *testing.T) {
	f := newFixture(t)
	f.Discover(t.Context())
	synctest.Test(t, func(t *testing.T) {
		f.prom.hold = make(chan struct{})
		began := time.Now()
		err := f.External(t.Context(), api.ExternalRequest{Namespace: "prod", Metric: "queue", Selector: labels.Everything()}, new(api.ExternalAnswer))
		if took := time.Since(began); took != f.requestTimeout() {
			t.Errorf("the request ends after %s", took)
		}
		var status apierrors.APIStatus
		if !errors.As(err, &status) || status.Status().Code != 504 {
			t.Errorf("error %v", err)
		}
	})
}
