package adapter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/prom"
)

const rulesYAML = `
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
	series  map[string][]model.LabelSet
	answers map[string]prom.Result
	// down fails everything, broken fails single selectors and queries.
	down   error
	broken map[string]error
	asked  []string
	// hold, when set, is received from before each answer.
	hold chan struct{}
}

func newFakeProm() *fakeProm {
	labels := func(pairs ...string) model.LabelSet {
		set := model.LabelSet{}
		for i := 0; i < len(pairs); i += 2 {
			set[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
		}
		return set
	}
	return &fakeProm{
		series: map[string][]model.LabelSet{
			"http_requests_total": {
				labels("__name__", "http_requests_total", "namespace", "prod", "pod", "a"),
				labels("__name__", "http_requests_total", "namespace", "prod", "pod", "b"),
				labels("__name__", "http_requests_total", "node", "n", "service", "s"),
			},
			"other": {labels("__name__", "other", "pod", "a")},
			"queue": {labels("__name__", "queue", "name", "orders")},
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

func (f *fakeProm) Series(_ context.Context, selectors []string, _, _ time.Time) ([]model.LabelSet, []string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fails(selectors[0]); err != nil {
		return nil, nil, err
	}
	return f.series[selectors[0]], nil, nil
}

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

func objects() []client.Object {
	pod := func(namespace, name, app string) client.Object {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}}}
	}
	return []client.Object{
		pod("prod", "b", "web"), pod("prod", "a", "web"), pod("prod", "c", "db"), pod("test", "d", "web"),
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n-1.x"}},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n-2.x"}},
		&metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "s"}},
	}
}

// fixture is an adapter on fakes, and what it recorded.
type fixture struct {
	*Adapter
	prom    *fakeProm
	journal *journal.Journal
	reg     *prometheus.Registry
}

func newFixture(t testing.TB, external ...ExternalSource) *fixture {
	t.Helper()
	var cfg Config
	cfg.SetDefaults()
	if err := config.Decode("adapter.yaml", []byte(rulesYAML), &cfg); err != nil {
		t.Fatal(err)
	}
	f := &fixture{prom: newFakeProm(), reg: prometheus.NewRegistry()}
	log := slog.New(slog.DiscardHandler)
	f.journal = journal.New(1000, log, f.reg, time.Now)
	scheme, err := kube.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	client, err := prom.NewClient(prom.DefaultConfig(), f.reg)
	if err != nil {
		t.Fatal(err)
	}
	f.Adapter, err = New(cfg, Deps{
		Kube:    &kube.Kube{Client: fake.NewClientBuilder().WithScheme(scheme).WithRESTMapper(mapper()).WithObjects(objects()...).Build()},
		Journal: f.journal, Log: log, Registry: f.reg, Prom: client, Now: time.Now, External: external,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Adapter.prom = f.prom
	f.kinds.load = func(context.Context) (meta.RESTMapper, error) { return mapper(), nil }
	return f
}

// lastCode is the verdict that was recorded last on a subject.
func (f *fixture) lastCode(subject string) string {
	for _, e := range f.journal.Recent(journal.Filter{Subject: subject, Limit: 1}) {
		return string(e.Code)
	}
	return ""
}
