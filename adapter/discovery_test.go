package adapter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/prom"
)

func (f *fixture) listed() string {
	var names []string
	custom, _ := f.CustomMetrics()
	for _, m := range custom {
		names = append(names, fmt.Sprintf("%s/%s", m.Resource, m.Name))
	}
	external, _ := f.ExternalMetrics()
	return strings.Join(append(names, external...), " ")
}

const allMetrics = "namespaces/http_requests nodes/http_requests pods/http_requests pods/other services/http_requests queue"

// A selector that fails keeps what was known of it, and does not touch the others.
func TestOneFailingSelectorDoesNotSpoilTheOthers(t *testing.T) {
	f := newFixture(t)
	f.prom.broken["other"] = promError(prom.BadQuery, "parse error")
	if f.Discover(t.Context()) {
		t.Error("the round is called complete")
	}
	// A selector that Prometheus never accepts brings no metrics, and this is reported.
	_, err := f.custom(t, "prod/pods/a/nothing")
	checkStatus(t, err, 404, "1 series queries are refused by Prometheus")
	f.checkCause(t, "query \"Q\" at http://prom:9090: bad_query: parse error")
	if got, want := f.listed(), strings.Replace(allMetrics, "pods/other ", "", 1); got != want {
		t.Errorf("listed %s", got)
	}
	delete(f.prom.broken, "other")
	if !f.Discover(t.Context()) {
		t.Error("the round is not called complete")
	}
	if got := f.listed(); got != allMetrics {
		t.Errorf("listed %s", got)
	}
	f.prom.down = promError(prom.Unavailable, "connection refused")
	f.Discover(t.Context())
	if got := f.listed(); got != allMetrics {
		t.Errorf("while Prometheus is down, listed %s", got)
	}
	if code := f.lastCode("series query other"); code != "DiscoveryFailed" {
		t.Errorf("verdict %s", code)
	}
}

// "Unknown" is only said when all that could bring the metric was read; until then nobody can tell.
func TestNothingIsUnknownBeforeDiscoveryIsComplete(t *testing.T) {
	f := newFixture(t)
	_, err := f.custom(t, "prod/pods/a/nothing")
	checkStatus(t, err, 503, "the first discovery of series is not done yet")
	f.prom.down = promError(prom.Unavailable, "connection refused")
	f.Discover(t.Context())
	_, err = f.custom(t, "prod/pods/a/nothing")
	checkStatus(t, err, 503, "discovery is not complete")
	f.checkCause(t, "connection refused")
	_, err = f.external(t, "nothing", "")
	checkStatus(t, err, 503, "discovery is not complete")
	f.checkCause(t, "connection refused")
	f.prom.down = nil
	f.Discover(t.Context())
	_, err = f.custom(t, "prod/pods/a/nothing")
	checkStatus(t, err, 404, "no rule exposes it")
	f.prom.down = promError(prom.Unavailable, "connection refused")
	f.Discover(t.Context())
	_, err = f.custom(t, "prod/pods/a/nothing")
	checkStatus(t, err, 404, "no rule exposes it") // all was read before
}

// While the series of a rule cannot be listed, nobody can tell what it exposes, and that is what is said: whether they
// were never listed, or there were none when they were.
func TestNobodyCanTellWhatAnOutageHides(t *testing.T) {
	f := newFixture(t)
	look := func(code, cannotTell string) {
		t.Helper()
		f.Discover(t.Context())
		if got := f.lastCode("rule rules[1]"); got != code {
			t.Errorf("the rule's verdict is %s, want %s", got, code)
		}
		found, none := f.Explain(t.Context(), ExplainRequest{Metric: "pods/nothing"})
		if found != nil || !strings.Contains(none.CannotTell, cannotTell) || (none.CannotTell == "") != (cannotTell == "") {
			t.Errorf("explained as %v, nobody can tell since %q; want %q", found, none.CannotTell, cannotTell)
		}
	}
	if _, none := f.Explain(t.Context(), ExplainRequest{Metric: "nothing"}); !strings.Contains(none.CannotTell, "first discovery") {
		t.Errorf("before the first discovery nobody can tell since %q", none.CannotTell)
	}
	down := promError(prom.Unavailable, "connection refused")
	f.prom.down = down
	look("RuleSeriesUnknown", "connection refused")
	f.prom.down = nil
	look("RuleExposes", "")
	f.prom.down = down
	look("RuleExposes", "connection refused") // what was known stays known; what is new is not
	f.prom.down = nil
	f.prom.series = slices.DeleteFunc(f.prom.series, func(s model.LabelSet) bool { return s["__name__"] == "other" })
	look("RuleFindsNoSeries", "")
	f.prom.down = down
	look("RuleSeriesUnknown", "connection refused")
	if subject := "rule rules[1]"; !strings.Contains(fmt.Sprint(f.journal.Recent(journal.Filter{Subject: subject, Limit: 1})), "connection refused") {
		t.Error("the rule's verdict does not say why")
	}
}

// Without the kinds nothing can be exposed; once they were read, they are kept over an outage, and read again
// when they are old, so that a new CRD needs no restart.
func TestKindsOfObjects(t *testing.T) {
	f := newFixture(t)
	now := time.Unix(0, 0)
	f.deps.Now = func() time.Time { return now }
	served := f.world.mapper
	away := func() (meta.RESTMapper, error) { return nil, errors.New("API server is away") }
	f.world.mapper = away
	if f.Discover(t.Context()) {
		t.Error("the round is called complete")
	}
	_, err := f.custom(t, "prod/pods/a/http_requests")
	checkStatus(t, err, 503, "discovery is not complete")
	f.checkCause(t, "API server is away")

	f.world.mapper = served
	f.Discover(t.Context())
	if got := f.listed(); got != allMetrics {
		t.Errorf("listed %s", got)
	}

	now = now.Add(kindsMaxAge)
	f.world.mapper = away
	f.Discover(t.Context())
	if got := f.listed(); got != allMetrics {
		t.Errorf("while the API server is away, listed %s", got)
	}

	f.world.mapper = func() (meta.RESTMapper, error) {
		m := mapper().(*meta.DefaultRESTMapper)
		m.Add(schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Ship"}, meta.RESTScopeRoot)
		return m, nil
	}
	f.Discover(t.Context())
	if _, ok := f.plan.Load().kinds.Kind(schema.GroupResource{Resource: "ship"}); !ok {
		t.Error("a new kind is not known after a refresh")
	}
}

// What discovery keeps and what it asks does not grow with the number of series.
func TestDiscoveryKeepsNamesOnly(t *testing.T) {
	f := newFixture(t)
	for i := range 1000 {
		f.prom.series = append(f.prom.series, model.LabelSet{"__name__": "http_requests_total", "namespace": "prod", "pod": model.LabelValue(fmt.Sprint("p", i))})
	}
	f.Discover(t.Context())
	found := f.plan.Load().found["http_requests_total"]
	if len(found) != 1 || strings.Join(found[0].Labels, " ") != "namespace node pod service" {
		t.Errorf("kept %v", found)
	}
}

// A round that the end of the process cuts short is not taken for an outage.
func TestACancelledRoundChangesNothing(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.prom.down = context.Canceled
	f.Discover(ctx)
	if f.plan.Load() != nil {
		t.Error("the plan of a cancelled round is used")
	}
}

// The metadata of kinds is looked up for every label of every series: only what exists may be remembered.
func TestUnknownKindsAreNotRemembered(t *testing.T) {
	table := &kindTable{mapper: mapper()}
	for i := range 100 {
		table.Kind(schema.GroupResource{Resource: fmt.Sprint("label", i)})
	}
	table.Kind(schema.GroupResource{Resource: "Pod"})
	table.Kind(schema.GroupResource{Resource: "pod"})
	n := 0
	table.known.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d names are remembered, want 1", n)
	}
}
