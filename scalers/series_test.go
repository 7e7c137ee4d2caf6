package scalers

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/poll"
	"github.com/trimtab/trimtab/scalers/replicas"
	"github.com/trimtab/trimtab/scalers/spec"
)

// series are the names and labels of all that a registry has.
func series(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			all = append(all, family.GetName()+fmt.Sprint(m.GetLabel()))
		}
	}
	slices.Sort(all)
	return all
}

// Objects with servers of their own, half of them dead, come and go: no series stays that they alone have, and none
// names a server that a user named.
func TestNoSeriesStaysOfObjectsThatAreGone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/dead") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[10,"7"]}]}}`)
	}))
	defer server.Close()
	registry := prometheus.NewRegistry()
	m, err := newMetrics(registry, func() poll.Load { return poll.Load{} })
	if err != nil {
		t.Fatal(err)
	}
	var cfg Config
	cfg.SetDefaults()
	cfg.Sources.AllowedNetworks = []string{"127.0.0.0/8"}
	c := newCatalog(catalogConfig{sources: sources(environment(cfg, slog.New(slog.DiscardHandler))), refresh: time.Hour, timeout: time.Minute, slots: poll.NewSlots(100), now: time.Now, metrics: m, closed: m.triggers.closed})
	// live reads an object as a round does.
	live := func(name, path string) types.NamespacedName {
		so := &keda.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)}}
		so.Spec.Triggers = []keda.ScaleTriggers{{Type: "prometheus", Metadata: map[string]string{"serverAddress": server.URL + path, "query": "x", "threshold": "5"}}}
		set, err := c.open(t.Context(), spec.OwnerOf(so))
		if err != nil {
			t.Fatal(err)
		}
		key := client.ObjectKeyFromObject(so)
		m.triggers.show(key, toReading(set.opened[0], set.opened[0].read(t.Context(), 0)))
		return key
	}
	for _, path := range []string{"/alive", "/dead"} { // what there is of the kind itself
		c.forget(spec.KeyOf(live("first", path)))
	}
	before := series(t, registry)
	var all []types.NamespacedName
	for i := range 500 {
		all = append(all, live(fmt.Sprintf("object-%d", i), fmt.Sprintf("/%s/%d", []string{"alive", "dead"}[i%2], i)))
	}
	during := series(t, registry)
	if n := len(during) - len(before); n != 2*250 {
		t.Errorf("%d series more while the objects are there, want two of each that can be read", n)
	}
	for _, s := range during {
		if strings.Contains(s, strings.TrimPrefix(server.URL, "http://")) {
			t.Fatalf("a series names a server that a user named: %s", s)
		}
	}
	for _, key := range all {
		c.forget(spec.KeyOf(key))
	}
	if after := series(t, registry); !slices.Equal(after, before) {
		t.Errorf("%d series before, %d after", len(before), len(after))
	}
}

// Whoever fills a namespace with triggers fills no more than its share of the metrics, and no label is long.
func TestTheSeriesOfANamespaceAreBounded(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := newMetrics(registry, func() poll.Load { return poll.Load{} })
	if err != nil {
		t.Fatal(err)
	}
	show := func(namespace string, i int) {
		m.triggers.show(types.NamespacedName{Namespace: namespace, Name: fmt.Sprint("web-", i)}, replicas.Reading{
			Trigger: "s0-" + strings.Repeat("ä", 5000), State: replicas.Value, Value: 1,
		})
	}
	before := len(series(t, registry))
	for i := range 2 * maxTriggerSeries {
		show("flood", i)
	}
	show("neighbour", 0)
	all := series(t, registry)
	if n := len(all) - before; n != 2*(maxTriggerSeries+1) {
		t.Errorf("%d series, want two of each of %d triggers and two of the neighbour's", n, maxTriggerSeries)
	}
	for _, s := range all {
		if len(s) > 600 {
			t.Fatalf("a series has labels of %d bytes", len(s))
		}
	}
	m.triggers.forget(types.NamespacedName{Namespace: "flood", Name: "web-0"})
	show("flood", 2*maxTriggerSeries)
	if n := len(series(t, registry)); n != len(all) {
		t.Errorf("%d series after one object went and another came, want %d", n, len(all))
	}
}

// A number that is not read any more is not shown as if it were, whether the target is gone or the object is paused.
func TestNoSeriesStaysOfTriggersThatAreNotRead(t *testing.T) {
	for name, change := range map[string]func(*keda.ScaledObject){
		"no target": func(so *keda.ScaledObject) { so.Spec.ScaleTargetRef.Name = "gone" },
		"paused":    annotated(keda.PausedAnnotation, "true"),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, scaledObject(t, web))
			h.set("a", 1)
			shown := func() bool {
				return strings.Contains(strings.Join(series(t, h.registry), "\n"), "trimtab_scalers_trigger_value")
			}
			if h.poll(0); !shown() {
				t.Fatal("the trigger's value is not shown")
			}
			h.edit(change)
			h.poll(time.Minute)
			if h.poll(time.Second); shown() {
				t.Error("the value of the last reading is shown on")
			}
		})
	}
}
