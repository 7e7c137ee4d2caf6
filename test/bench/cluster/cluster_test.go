package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/trimtab/trimtab/test/bench/command"
	"github.com/trimtab/trimtab/test/bench/usage"
	"github.com/trimtab/trimtab/test/lab"
)

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"", ""},
		{"-nodes 100 -pods 3000", ""},
		{"-pods 50000", "more than 39 on each of 1000 nodes"},
		{"-pods 100 -objects 2", "100 pods have 5"},
		{"-nodes 0", "above zero"},
		{"more", `there is "more"`},
	} {
		_, err := parse(strings.Fields(c.args), io.Discard)
		if got := ""; err != nil {
			got = err.Error()
			if c.want == "" || !strings.Contains(got, c.want) {
				t.Errorf("%q: %s, want %q", c.args, got, c.want)
			}
		} else if c.want != "" {
			t.Errorf("%q: no error, want %q", c.args, c.want)
		}
	}
}

// All metrics are at their targets, and each container has its usage.
func TestSeriesHoldTheReplicas(t *testing.T) {
	t.Parallel()
	o := options{nodes: 10, pods: 200, objects: 3}
	times := []time.Time{time.Unix(0, 0), time.Unix(60, 0)}
	got := map[string]int{}
	o.series(times[0], times, func(s lab.Series) bool {
		got[s.Labels["__name__"]]++
		switch last := s.Samples[1].Value; s.Labels["__name__"] {
		case queueMetric:
			if last != replicas*perReplica {
				t.Errorf("%v has %v", s.Labels, last)
			}
		case "http_requests_total":
			if rate := last / 60; math.Abs(rate-perReplica) > 0.01 {
				t.Errorf("%v rises by %v a second", s.Labels, rate)
			}
		}
		return true
	})
	containers := 0
	for n := range o.pods {
		containers += len(o.pod(n, o.replicaSet(n/replicas, "")).Spec.Containers)
	}
	if got["container_cpu_usage_seconds_total"] != containers || got["container_memory_working_set_bytes"] != containers ||
		got["http_requests_total"] != 3*replicas || got[queueMetric] != o.deployments() {
		t.Errorf("series are %v, and there are %d containers", got, containers)
	}
}

// No node is so empty that it could go, and each takes its pods.
func TestNodesAreUsedByMoreThanAHalf(t *testing.T) {
	t.Parallel()
	o, err := parse(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	used := make([]int64, o.nodes)
	for n := range o.pods {
		for _, c := range template(n / replicas).Spec.Containers {
			used[n%o.nodes] += c.Resources.Requests.Cpu().MilliValue()
		}
	}
	has := node(0).Status.Allocatable.Cpu().MilliValue()
	if least, most := slices.Min(used), slices.Max(used); 2*least <= has || most > has {
		t.Errorf("nodes of %dm are used by %dm to %dm", has, least, most)
	}
}

// The pods that are stored differ from the first of their Deployment in name and node; etcd gets them as the API server
// writes them.
func TestPodsAreStored(t *testing.T) {
	t.Parallel()
	o := options{nodes: 7, pods: 40}
	var got []string
	etcd := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var txn struct {
			Success []struct {
				RequestPut struct{ Key, Value []byte }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&txn); err != nil || r.URL.Path != "/v3/kv/txn" {
			t.Errorf("%s: %v", r.URL, err)
		}
		for _, one := range txn.Success {
			got = append(got, string(one.RequestPut.Key))
			if !bytes.HasPrefix(one.RequestPut.Value, []byte("k8s\x00")) {
				t.Errorf("stored is %.40q", one.RequestPut.Value)
			}
		}
	}))
	defer etcd.Close()
	first := o.pod(0, o.replicaSet(0, "uid"))
	first.UID, first.ResourceVersion = "uid-0", "5"
	other := o.another(first, 1)
	if other.Name == first.Name || other.UID == first.UID || other.ResourceVersion != "" || other.Spec.NodeName != nodeName(1) || len(other.OwnerReferences) != 1 {
		t.Errorf("another is %+v", other)
	}
	if err := newStore(etcd.URL, scheme.Scheme).put(t.Context(), []*corev1.Pod{other}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/registry/pods/" + first.Namespace + "/" + other.Name}; !slices.Equal(got, want) {
		t.Errorf("stored are %v, want %v", got, want)
	}
}

func TestLoopsAreReadFromMetrics(t *testing.T) {
	t.Parallel()
	before, err := readMetrics("# HELP x\na_count{api=\"custom\",source=\"1\"} 2\na_sum{api=\"custom\",source=\"1\"} 0.5\nb 1e+06\n\n")
	if err != nil || before["b"] != 1e6 {
		t.Fatalf("%v, %v", before, err)
	}
	after := metrics{
		`a_count{api="custom",source="1"}`: 4, `a_sum{api="custom",source="1"}`: 1.5,
		`a_count{api="custom",source="2"}`: 2, `a_sum{api="custom",source="2"}`: 3, `a_count{api="other"}`: 9,
	}
	if n, seconds := (loop{metric: "a", labels: `{api="custom"`}).between(before, after); n != 4 || seconds != 1 {
		t.Errorf("%d times %v s, want 4 times 1 s", n, seconds)
	}
	if n, _ := (loop{metric: "c"}).between(before, after); n != 0 {
		t.Errorf("a metric that is missing went round %d times", n)
	}
	if _, err := readMetrics("word\n"); err == nil {
		t.Error("a line without a value is understood")
	}
}

func TestReportIsATableAndJSON(t *testing.T) {
	t.Parallel()
	r := newReport(options{nodes: 7, pods: 8, objects: 9})
	r.Ready = map[string]float64{"vpa": 1.5, "all": 2.5}
	r.Rest = newFigures(usage.Usage{CPU: 3 * time.Second, Resident: 5 << 20, Peak: 6 << 20, Anonymous: 4 << 20}, metrics{
		"go_memstats_heap_alloc_bytes": 3 << 20, "trimtab_vpa_round_duration_seconds_count": 2, "trimtab_vpa_round_duration_seconds_sum": 0.5,
	})
	r.before.CPUSeconds = 1
	r.compare(usage.Calls{"update leases": 5}, 10*time.Second)
	r.goRound()
	var said bytes.Buffer
	r.print(&said)
	for _, want := range []string{"7 nodes, 8 pods, 9 VPAs", "at rest 5 6 4 3 0", "vpa 1.5", "vpa round 2 250.00", "update leases 5 0.500", "2.00 s of CPU, 20.0% of a core"} {
		if !strings.Contains(strings.Join(strings.Fields(said.String()), " "), want) {
			t.Errorf("%q is not in\n%s", want, said.String())
		}
	}
	path := filepath.Join(t.TempDir(), "figures.json")
	if err := command.WriteJSON(path, r); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	var back report
	if err != nil || json.Unmarshal(raw, &back) != nil || back.Rest.ResidentMiB != 5 || back.Calls["update leases"] != 5 {
		t.Errorf("JSON is %s, %v", raw, err)
	}
}
