package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/test/bench/usage"
)

func TestPeersStandBesideTrimtab(t *testing.T) {
	t.Parallel()
	program := func(name string, works, resident, cpu float64, calls usage.Calls) peerReport {
		p := peerReport{Name: name, HealthySeconds: 1, WorksSeconds: works}
		p.before.CPUSeconds, p.Rest = 1, figures{ResidentMiB: resident, PeakMiB: resident + 1, AnonymousMiB: resident - 1, HeapMiB: 2, CPUSeconds: 1 + cpu}
		p.compare(calls, 10*time.Second)
		return p
	}
	r := newPeersReport(options{nodes: 7, pods: 8, objects: 9})
	r.Programs = []peerReport{
		program("one", 3, 40, 1, usage.Calls{"list pods": 20}), program("two", 65, 60, 2, usage.Calls{"list pods": 5, "update leases": 5}),
	}
	ours := newReport(options{})
	ours.Ready = map[string]float64{"all": 4}
	ours.measured = program("", 0, 30, 0.5, usage.Calls{"update leases": 1}).measured
	var said bytes.Buffer
	r.print(&said, ours)
	text := strings.Join(strings.Fields(said.String()), " ")
	for _, want := range []string{
		"cluster-autoscaler is left out", "one 40 41 39 2 0", "two 60 61 59", "together 100 102 98 4 0", "trimtab 30 31 29",
		"one 1.0 3.0 0.0 10.0%", "together 1.0 65.0 0.0 30.0%", "trimtab 4.0 4.0 0.0 5.0%",
		"one: list pods 20 2.000", "two: update leases 5 0.500", "together 30 3.000", "trimtab 1 0.100",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, said.String())
		}
	}
	if len(r.Programs) != 2 {
		t.Errorf("the report has %d programs after it was printed", len(r.Programs))
	}
}

// The usage that VPA is told is the one that trimtab finds in Prometheus, of the same containers.
func TestResourceMetricsAreThoseOfTheFeed(t *testing.T) {
	t.Parallel()
	o := options{nodes: 10, pods: 100, objects: 1}
	server := httptest.NewServer(o.resourceMetrics())
	defer server.Close()
	page := func(path string, into any) {
		t.Helper()
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, into) != nil {
			t.Fatalf("%s answers %s: %.200s, %v", path, resp.Status, body, err)
		}
	}
	var resources metav1.APIResourceList
	if page("/apis/metrics.k8s.io/v1beta1", &resources); len(resources.APIResources) != 1 || resources.APIResources[0].Name != "pods" {
		t.Errorf("resources are %+v", resources)
	}
	var list struct{ Items []podMetrics }
	page("/apis/metrics.k8s.io/v1beta1/pods", &list)
	containers := 0
	for _, p := range list.Items {
		for _, c := range p.Containers {
			if containers++; c.Usage["cpu"] != "80m" || c.Usage["memory"] != "200Mi" {
				t.Fatalf("%s of %s uses %v", c.Name, p.Name, c.Usage)
			}
		}
	}
	want := 0
	for n := range o.pods {
		want += len(template(n / replicas).Spec.Containers)
	}
	if len(list.Items) != o.pods || containers != want || list.Items[99].Namespace != o.namespaceOf(4) || time.Since(list.Items[0].Timestamp.Time) > time.Minute {
		t.Errorf("%d pods with %d containers, want %d with %d; the last is %+v", len(list.Items), containers, o.pods, want, list.Items[99])
	}
}

// KEDA has the external metrics when it is there, so that no HPA asks another server for them.
func TestNoHPAAsksForExternalMetricsBesideKEDA(t *testing.T) {
	t.Parallel()
	for d := range 2 {
		got := options{pods: 100, peers: true}.hpa(d).Spec.Metrics[0].Type
		if got != autoscalingv2.PodsMetricSourceType {
			t.Errorf("HPA %d asks for %s", d, got)
		}
	}
	if got := (options{pods: 100}).hpa(1).Spec.Metrics[0].Type; got != autoscalingv2.ExternalMetricSourceType {
		t.Errorf("without peers it asks for %s", got)
	}
}
