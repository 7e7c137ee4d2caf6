package adapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/internal/prom"
)

// owner owns the metrics whose selector names a ScaledObject, as the scalers do.
type owner struct {
	value string
	err   error
}

func (o owner) ExternalMetric(_ context.Context, _, name string, selector labels.Selector) (*external_metrics.ExternalMetricValueList, bool, error) {
	if _, mine := selector.RequiresExactMatch("scaledobject.keda.sh/name"); !mine {
		return nil, false, nil
	}
	if o.err != nil || o.value == "" {
		return nil, true, o.err
	}
	return &external_metrics.ExternalMetricValueList{Items: []external_metrics.ExternalMetricValue{{MetricName: name, Value: resource.MustParse(o.value)}}}, true, nil
}

func (f *fixture) external(t *testing.T, metric, selector string) (string, error) {
	t.Helper()
	parsed, err := labels.Parse(selector)
	if err != nil {
		t.Fatal(err)
	}
	var answer api.ExternalAnswer
	if err := f.External(t.Context(), api.ExternalRequest{Namespace: "prod", Metric: metric, Selector: parsed}, &answer); err != nil {
		return "", err
	}
	var out []string
	for _, item := range answer.Items {
		out = append(out, fmt.Sprintf("%s %v %s@%d", item.Metric, item.Labels, item.Value.String(), max(0, item.TimestampMillis/1000)))
	}
	return strings.Join(out, "\n"), nil
}

func TestExternalMetricsOfRules(t *testing.T) {
	const query = `sum(queue{name="orders"})`
	for _, c := range []struct {
		name   string
		answer prom.Result
		want   string
		code   string
	}{
		{"all samples", vector(t, "queue=a 1", "queue=b 2.5"), "queue map[queue:a] 1@1000\nqueue map[queue:b] 2500m@1000", "MetricServed"},
		{"a scalar", prom.Result{Value: &model.Scalar{Value: 3, Timestamp: 1_000_000}}, "queue map[] 3@1000", "MetricServed"},
		{"nothing", prom.Result{Value: model.Vector{}}, "", "NoSample"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.Discover(t.Context())
			f.prom.answers[query] = c.answer
			got, err := f.external(t, "queue", "name=orders")
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
			if code := f.lastCode("metric external/queue in prod"); code != c.code {
				t.Errorf("verdict %s, want %s", code, c.code)
			}
		})
	}
}

// The HPA adds the items up: leaving out the one without a value would be taking it for zero.
func TestOneValueThatIsNoneFailsTheExternalMetric(t *testing.T) {
	f := newFixture(t)
	f.Discover(t.Context())
	f.prom.answers[`sum(queue{})`] = vector(t, "queue=a 1", "queue=b NaN")
	_, err := f.external(t, "queue", "")
	checkStatus(t, err, 503, `{queue="b"} is NaN`)
}

func TestExternalSourcesComeBeforeTheRules(t *testing.T) {
	const mine = "scaledobject.keda.sh/name=so"
	f := newFixture(t, owner{value: "12"})
	f.Discover(t.Context())
	f.prom.answers[`sum(queue{})`] = vector(t, "queue=a 1")
	if got, err := f.external(t, "queue", mine); err != nil || got != "queue map[] 12@0" {
		t.Errorf("its own: %q, %v", got, err)
	}
	if got, err := f.external(t, "queue", ""); err != nil || got != "queue map[queue:a] 1@1000" {
		t.Errorf("a rule's: %q, %v", got, err)
	}
	_, err := f.external(t, "nothing", "")
	checkStatus(t, err, 404, "no external rule exposes it")
}

func TestErrorsOfSourcesKeepTheirStatus(t *testing.T) {
	const mine = "scaledobject.keda.sh/name=so"
	for _, c := range []struct {
		err    error
		status int32
		says   string
		cause  string
	}{
		{fmt.Errorf("wrapped: %w", apierrors.NewForbidden(external_metrics.Resource("m"), "m", errors.New("why"))), 403, "why", "why"},
		{fmt.Errorf("redis: %w", context.DeadlineExceeded), 504, "did not answer in time", "redis"},
		{errors.New("redis: connection refused"), 503, "cannot tell the value", "connection refused"},
	} {
		f := newFixture(t, owner{err: c.err})
		f.Discover(t.Context())
		_, err := f.external(t, "m", mine)
		checkStatus(t, err, c.status, c.says)
		f.checkCause(t, c.cause)
		if code := f.lastCode("metric external/m in prod"); code != "SourceFailed" {
			t.Errorf("verdict %s", code)
		}
	}
}

// Metrics of other parts need neither rules nor Prometheus.
func TestASourceIsAskedBeforeTheFirstDiscovery(t *testing.T) {
	f := newFixture(t, owner{value: "1"})
	if got, err := f.external(t, "m", "scaledobject.keda.sh/name=so"); err != nil || got != "m map[] 1@0" {
		t.Errorf("%q, %v", got, err)
	}
}

// What an HPA is answered goes into its status and Events, and is short whoever wrote it: a source, Prometheus,
// the HPA itself by a name of a megabyte.
func TestAnErrorIsAShortLineForTheHPA(t *testing.T) {
	flood := strings.Repeat("cause\n", 5<<17)
	check := func(name string, f *fixture, metric, selector string) {
		t.Helper()
		_, err := f.external(t, metric, selector)
		if err == nil || len(err.Error()) > 1024 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %.300q", name, fmt.Sprint(err))
		}
	}
	mine := "scaledobject.keda.sh/name=so"
	check("a plain error", newFixture(t, owner{err: errors.New(flood)}), "x", mine)
	check("a status", newFixture(t, owner{err: apierrors.NewBadRequest(flood)}), "x", mine)
	f := newFixture(t)
	f.Discover(t.Context())
	f.prom.down = promError(prom.BadQuery, flood)
	check("Prometheus", f, "queue", "name=orders")
	check("a name", f, strings.Repeat("x", 1<<20), "")
}
