package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
)

func pod(name string, phase corev1.PodPhase, readiness corev1.ConditionStatus) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name), Labels: map[string]string{"app": "web"}},
		Status: corev1.PodStatus{Phase: phase, Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: readiness},
		}},
	}
}

func TestStateOf(t *testing.T) {
	deleted := pod("p", corev1.PodRunning, corev1.ConditionTrue)
	deleted.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	bare := pod("p", corev1.PodRunning, corev1.ConditionTrue)
	bare.Status.Conditions = nil
	for name, test := range map[string]struct {
		pod            *corev1.Pod
		running, ready bool
	}{
		"ready":          {pod("p", corev1.PodRunning, corev1.ConditionTrue), true, true},
		"not ready":      {pod("p", corev1.PodRunning, corev1.ConditionFalse), true, false},
		"readiness lost": {pod("p", corev1.PodRunning, corev1.ConditionUnknown), true, false},
		"no conditions":  {bare, true, false},
		"being deleted":  {deleted, true, false},
		"pending":        {pod("p", corev1.PodPending, corev1.ConditionTrue), false, false},
		"done":           {pod("p", corev1.PodSucceeded, corev1.ConditionFalse), false, false},
	} {
		want := podState{key{"ns", "p"}, "p", test.running, test.ready}
		if got := stateOf(test.pod); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestMetricsOfPodsDisappearWithThem(t *testing.T) {
	w, rate := newTestWeb(t, ready("a"), ready("b")), &wish{}
	rate.set(12.5)
	w.dispatch(4, 1)
	eventually(t, "4 requests served", func() bool { return w.servedBy("a")+w.servedBy("b") == 4 })
	w.forget(key{"ns", "a"})
	recorder := httptest.NewRecorder()
	handler(w, rate, settings{namespace: "ns"}, nil).ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	var got []string
	for line := range strings.Lines(recorder.Body.String()) {
		if strings.HasPrefix(line, "container_cpu_usage_seconds_total{") {
			line = line[:strings.LastIndex(line, " ")] + " SECONDS\n"
		}
		if !strings.HasPrefix(line, "# HELP") {
			got = append(got, line)
		}
	}
	want := `# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="web",namespace="ns",pod="b"} SECONDS
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="web",namespace="ns",pod="b"} 4096
# TYPE http_requests_failed_total counter
http_requests_failed_total{namespace="ns"} 0
# TYPE http_requests_total counter
http_requests_total{namespace="ns",pod="b"} 2
# TYPE workload_wished_requests_per_second gauge
workload_wished_requests_per_second 12.5
`
	if text := strings.Join(got, ""); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// The whole program, but for the API server: pods come, requests are served, pods go.
func TestPlay(t *testing.T) {
	client := fake.NewClientset(pod("a", corev1.PodRunning, corev1.ConditionTrue))
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	s := settings{namespace: "ns", selector: "app=web", listen: "127.0.0.1:0", work: time.Millisecond, maxCPU: 0.2, memoryMiB: 1}
	go func() { ended <- play(ctx, s, client, in) }()
	line := make([]byte, 100)
	n, err := out.Read(line)
	address, found := strings.CutPrefix(strings.TrimSpace(string(line[:n])), "listening on ")
	if err != nil || !found {
		t.Fatalf("first line %q, %v", line[:n], err)
	}
	call := func(method, path, body string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	metrics := func() string { _, text := call("GET", "/metrics", ""); return text }
	if code, text := call("PUT", "/load", "fast"); code != http.StatusBadRequest || !strings.Contains(text, `"fast"`) {
		t.Errorf("PUT /load of nonsense: %d %s", code, text)
	}
	if code, _ := call("PUT", "/load", "100"); code != http.StatusNoContent {
		t.Errorf("PUT /load: %d", code)
	}
	if _, text := call("GET", "/load", ""); text != "100\n" {
		t.Errorf("GET /load: %q", text)
	}
	eventually(t, "pods are known", func() bool { code, _ := call("GET", "/healthz", ""); return code == http.StatusOK })
	eventually(t, "pod a serves", func() bool {
		text := metrics()
		return strings.Contains(text, `http_requests_total{namespace="ns",pod="a"}`) &&
			!strings.Contains(text, `http_requests_total{namespace="ns",pod="a"} 0`)
	})
	if err := client.CoreV1().Pods("ns").Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "pod a is gone and requests fail", func() bool {
		text := metrics()
		return !strings.Contains(text, `pod="a"`) && !strings.Contains(text, `http_requests_failed_total{namespace="ns"} 0`)
	})
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("play ended with %v", err)
	}
}

func TestPlayFails(t *testing.T) {
	client := fake.NewClientset()
	for what, s := range map[string]settings{
		"listen":     {listen: "127.0.0.1:99999", selector: "app=web", memoryMiB: 1},
		"--selector": {listen: "127.0.0.1:0", selector: "app in", memoryMiB: 1},
	} {
		if err := play(t.Context(), s, client, io.Discard); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want one on %s", err, what)
		}
	}
}

func TestSettings(t *testing.T) {
	s, err := parseSettings([]string{"--kubeconfig", "k", "--namespace", "shop"})
	want := settings{"k", "shop", "app=web", "127.0.0.1:0", "", 2 * time.Millisecond, 0.45, 2}
	if err != nil || s != want {
		t.Errorf("%+v, %v; want %+v", s, err, want)
	}
	for _, args := range []string{"", "--kubeconfig k extra", "--kubeconfig k --work 0s", "--kubeconfig k --max-cpu -1", "--kubeconfig k --memory-mib 0"} {
		if s, err := parseSettings(strings.Fields(args)); err == nil {
			t.Errorf("%q gave %+v, want an error", args, s)
		}
	}
}
