package adapter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8slabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/prom"
)

// rulesYAML asks as prometheus-adapter does; what is answered from memory has tests of its own.
const rulesYAML = `
compat: true
securePort: 0
bindAddress: 127.0.0.1
rules:
- seriesQuery: http_requests_total
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, node: {resource: node}, service: {resource: service}}}
  name: {matches: "^(.*)_total$"}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
- seriesQuery: other
  resources: {overrides: {pod: {resource: pod}}}
  metricsQuery: <<.Series>>{<<.LabelMatchers>>}
externalRules:
- seriesQuery: queue
  resources: {namespaced: false}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>})
`

// fakeProm answers by query text; what it does not know is an empty vector.
type fakeProm struct {
	mu      sync.Mutex
	series  []model.LabelSet
	answers map[string]prom.Result
	// down fails everything, broken fails single selectors and queries.
	down   error
	broken map[string]error
	asked  []string
	// hold, when set, is received from before each answer.
	hold chan struct{}
	// holdSeries is the same for what discovery asks.
	holdSeries chan struct{}
}

func newFakeProm() *fakeProm {
	set := func(pairs ...string) model.LabelSet {
		out := model.LabelSet{}
		for i := 0; i < len(pairs); i += 2 {
			out[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
		}
		return out
	}
	return &fakeProm{
		series: []model.LabelSet{
			set("__name__", "http_requests_total", "namespace", "prod", "pod", "a"),
			set("__name__", "http_requests_total", "namespace", "prod", "pod", "b"),
			set("__name__", "http_requests_total", "node", "n", "service", "s"),
			set("__name__", "other", "pod", "a"),
			set("__name__", "queue", "name", "orders"),
		},
		answers: map[string]prom.Result{},
		broken:  map[string]error{},
	}
}

func (f *fakeProm) fails(what string) error {
	if f.down != nil {
		return f.down
	}
	return f.broken[what]
}

// matching are the series that a selector takes.
func (f *fakeProm) matching(selector string) ([]model.LabelSet, error) {
	if f.holdSeries != nil {
		<-f.holdSeries
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fails(selector); err != nil {
		return nil, err
	}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		return nil, err
	}
	var out []model.LabelSet
	for _, set := range f.series {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(string(set[model.LabelName(m.Name)])) }) {
			out = append(out, set)
		}
	}
	return out, nil
}

func (f *fakeProm) Series(_ context.Context, selectors []string, _, _ time.Time) ([]model.LabelSet, []string, error) {
	sets, err := f.matching(selectors[0])
	return sets, nil, err
}

func (f *fakeProm) LabelNames(_ context.Context, selectors []string, _, _ time.Time) ([]string, []string, error) {
	sets, err := f.matching(selectors[0])
	names := map[string]bool{}
	for _, set := range sets {
		for name := range set {
			names[string(name)] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil, err
}

func (f *fakeProm) LabelValues(_ context.Context, label string, selectors []string, _, _ time.Time) ([]string, []string, error) {
	sets, err := f.matching(selectors[0])
	values := map[string]bool{}
	for _, set := range sets {
		if v := string(set[model.LabelName(label)]); v != "" {
			values[v] = true
		}
	}
	return slices.Sorted(maps.Keys(values)), nil, err
}

func (f *fakeProm) ForNamespace(string) Server { return f }

func (f *fakeProm) Tenant(string) string { return "" }

func (f *fakeProm) Query(ctx context.Context, promql string, _ time.Time) (prom.Result, error) {
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return prom.Result{}, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, promql)
	if err := f.fails(promql); err != nil {
		return prom.Result{}, err
	}
	if answer, ok := f.answers[promql]; ok {
		return answer, nil
	}
	return prom.Result{Value: model.Vector{}}, nil
}

// vector is an answer with a sample a line: label=object value, at the second 1000.
func vector(t testing.TB, lines ...string) prom.Result {
	t.Helper()
	v := model.Vector{}
	for _, line := range lines {
		var value float64
		label, rest, _ := strings.Cut(line, "=")
		object, number, _ := strings.Cut(rest, " ")
		if _, err := fmt.Sscan(number, &value); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		metric := model.Metric{}
		if label != "" {
			metric[model.LabelName(label)] = model.LabelValue(object)
		}
		v = append(v, &model.Sample{Metric: metric, Value: model.SampleValue(value), Timestamp: 1_000_000})
	}
	return prom.Result{Value: v}
}

// rowsOf is an answer with a sample a line: label=value,label=value number, at the second 1000.
func rowsOf(t testing.TB, lines ...string) prom.Result {
	t.Helper()
	v := model.Vector{}
	for _, line := range lines {
		pairs, number, _ := strings.Cut(line, " ")
		sample := &model.Sample{Metric: model.Metric{}, Timestamp: 1_000_000}
		if _, err := fmt.Sscan(number, (*float64)(&sample.Value)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for pair := range strings.SplitSeq(pairs, ",") {
			label, value, _ := strings.Cut(pair, "=")
			sample.Metric[model.LabelName(label)] = model.LabelValue(value)
		}
		v = append(v, sample)
	}
	return prom.Result{Value: v}
}

func promError(kind prom.Kind, cause string) error {
	return &prom.Error{Kind: kind, Server: "http://prom:9090", Query: "Q", Err: errors.New(cause)}
}

// mapper knows pods, services, namespaces and nodes.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Version: "v1"}})
	for kind, scope := range map[string]meta.RESTScope{"Pod": meta.RESTScopeNamespace, "Service": meta.RESTScopeNamespace, "Namespace": meta.RESTScopeRoot, "Node": meta.RESTScopeRoot} {
		m.Add(schema.GroupVersionKind{Version: "v1", Kind: kind}, scope)
	}
	return m
}

// cluster is a Cluster in memory.
type cluster struct {
	mu      sync.Mutex
	mapper  func() (meta.RESTMapper, error)
	objects map[string][]metav1.Object // by resource
	hpas    []*autoscalingv2.HorizontalPodAutoscaler
	listed  int
}

func newCluster() *cluster {
	pod := func(namespace, name, app string) metav1.Object {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	}
	return &cluster{
		mapper: func() (meta.RESTMapper, error) { return mapper(), nil },
		objects: map[string][]metav1.Object{
			"pods":     {pod("prod", "b", "web"), pod("prod", "a", "web"), pod("prod", "c", "db"), pod("test", "d", "web")},
			"nodes":    {&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n-1.x"}}, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n-2.x"}}},
			"services": {&metav1.ObjectMeta{Namespace: "prod", Name: "s"}},
		},
	}
}

func (c *cluster) Mapper(context.Context) (meta.RESTMapper, error) { return c.mapper() }

func (c *cluster) Objects(_ context.Context, kind rules.Kind, namespace string, selector k8slabels.Selector) ([]metav1.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listed++
	var out []metav1.Object
	for _, o := range c.objects[kind.Resource] {
		if (namespace == "" || o.GetNamespace() == namespace) && selector.Matches(k8slabels.Set(o.GetLabels())) {
			out = append(out, o)
		}
	}
	SortObjects(out)
	return out, nil
}

func (c *cluster) Names(ctx context.Context, kind rules.Kind, namespace string, selector k8slabels.Selector) ([]string, error) {
	objects, err := c.Objects(ctx, kind, namespace, selector)
	return namesOf(objects), err
}

func (c *cluster) HPAs(context.Context) ([]*autoscalingv2.HorizontalPodAutoscaler, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hpas, nil
}

// fixture is an adapter on fakes, and what it recorded.
type fixture struct {
	*Adapter
	prom    *fakeProm
	world   *cluster
	journal *journal.Journal
	reg     *prometheus.Registry
}

func newFixture(t testing.TB, external ...ExternalSource) *fixture {
	t.Helper()
	return fixtureOf(t, rulesYAML, Deps{External: external})
}

// plannedFixture answers from memory what it can.
func plannedFixture(t testing.TB) *fixture {
	t.Helper()
	return fixtureOf(t, strings.Replace(rulesYAML, "compat: true", "compat: false", 1), Deps{})
}

func fixtureOf(t testing.TB, text string, deps Deps) *fixture {
	t.Helper()
	var cfg Config
	cfg.SetDefaults()
	if err := config.Decode("adapter.yaml", []byte(text), &cfg); err != nil {
		t.Fatal(err)
	}
	f := &fixture{prom: newFakeProm(), world: newCluster(), reg: prometheus.NewRegistry()}
	deps.Log = slog.New(slog.DiscardHandler)
	f.journal = journal.New(1000, deps.Log, f.reg, time.Now)
	deps.Journal, deps.Registry, deps.Now, deps.Cluster = f.journal, f.reg, time.Now, f.world
	if deps.Servers == nil {
		deps.Servers = map[string]Server{"": f.prom}
	}
	var err error
	if f.Adapter, err = New(cfg, deps); err != nil {
		t.Fatal(err)
	}
	return f
}

// lastCode is the verdict that was recorded last on a subject.
func (f *fixture) lastCode(subject string) string {
	for _, e := range f.journal.Recent(journal.Filter{Subject: subject, Limit: 1}) {
		return string(e.Code)
	}
	return ""
}
