package faults

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/test/conformance/proxy"
	"github.com/trimtab/trimtab/test/lab"
)

const (
	namespace = "faults"
	custom    = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/" + namespace
	byName    = custom + "/pods/a/depth"
	all       = custom + "/pods/*/depth"
)

// world is a trimtab that sees a real Prometheus through a proxy, which brings the faults.
type world struct {
	lab        *lab.Lab
	prometheus *lab.Prometheus
	proxy      *proxy.Proxy
	process    *lab.Process
	client     *http.Client
	// api is where the metrics APIs are served, web where /metrics is; rules is the file that it reads.
	api, web, debug, rules string
}

func TestMain(m *testing.M) { lab.Main(m) }

// newWorld starts all of it; pods a and b have the depths 3 and 5.
func newWorld(ctx context.Context, t *testing.T) *world {
	l, err := lab.Start(ctx, lab.Options{Out: os.Stderr, Trimtab: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			l.Keep()
		}
		l.Stop()
	})
	w := &world{lab: l, rules: filepath.Join(l.Dir, "rules.yaml")}
	if err := l.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c"}}}}
		l.Wait(ctx, t, "pod "+name+" is there", func(ctx context.Context) error { return l.Client.Create(ctx, pod) })
	}
	if w.prometheus, err = l.StartPrometheus(ctx); err != nil {
		t.Fatal(err)
	}
	w.push(ctx, t, 0)
	if w.proxy, err = proxy.Start(w.prometheus.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.proxy.Close)
	if w.client, err = l.AdminClient(); err != nil {
		t.Fatal(err)
	}
	w.start(ctx, t)
	return w
}

// push stores the depths, from five minutes ago to nine minutes ahead, as a clock would that is off by so much.
func (w *world) push(ctx context.Context, t *testing.T, off time.Duration) {
	t.Helper()
	now := time.Now()
	err := w.prometheus.Push(ctx, func(yield func(lab.Series) bool) {
		for name, depth := range map[string]float64{"a": 3, "b": 5} {
			s := lab.Series{Labels: map[string]string{"__name__": "depth", "namespace": namespace, "pod": name}}
			for at := -5 * time.Minute; at <= 9*time.Minute; at += 5 * time.Second {
				s.Samples = append(s.Samples, lab.Sample{Time: now.Add(at + off), Value: depth})
			}
			if !yield(s) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ruleFile has a hundred rules. Prometheus refuses one of them, and one names a kind that does not exist yet.
func ruleFile() string {
	var b strings.Builder
	b.WriteString("rules:\n")
	b.WriteString("- {seriesQuery: 'cargo{ship!=\"\"}', resources: {overrides: {ship: {group: fleet.example.com, resource: ship}}}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}\n")
	for i := range 98 {
		name := "depth"
		if i > 0 {
			name = fmt.Sprint("depth", i)
		}
		fmt.Fprintf(&b, "- {seriesQuery: '%s{pod!=\"\"}', resources: {template: '<<.Resource>>'}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}\n", name)
	}
	b.WriteString("- {seriesQuery: 'depth{pod=~\"(\"}', resources: {template: '<<.Resource>>'}, metricsQuery: 'broken(<<.Series>>{<<.LabelMatchers>>})'}\n")
	return b.String()
}

func (w *world) start(ctx context.Context, t *testing.T) {
	ports := make([]int, 3)
	for i := range ports {
		var err error
		if ports[i], err = lab.FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	w.api, w.web = "https://127.0.0.1:"+strconv.Itoa(ports[0]), "http://127.0.0.1:"+strconv.Itoa(ports[1])
	w.debug = "http://127.0.0.1:" + strconv.Itoa(ports[2])
	config := filepath.Join(w.lab.Dir, "faults.yaml")
	text := fmt.Sprintf(`
server: {address: "127.0.0.1:%d", debugAddress: "127.0.0.1:%d", decisions: 1000}
prometheus: {url: %q, timeout: 2s}
adapter:
  bindAddress: 127.0.0.1
  securePort: %d
  requestTimeout: 3s
  evaluationInterval: 1s
  metricsRelistInterval: 1s
  rulesFile: %q
`, ports[1], ports[2], w.proxy.URL, ports[0], w.rules)
	for path, content := range map[string]string{config: text, w.rules: ruleFile()} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if w.process, err = w.lab.Run("trimtab", "trimtab", w.lab.Kubeconfig, "run", "--config", config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.process.Stop)
	if err := w.process.WaitOK(ctx, w.web+"/readyz"); err != nil {
		t.Fatal(err)
	}
}

// answer is what a request came back with.
type answer struct {
	status int
	body   string
}

func (w *world) get(ctx context.Context, url string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(body)}, err
}

// becomes waits until a request is answered with the status and a body that holds the text. On the way there may be
// no number but the right one.
func (w *world) becomes(ctx context.Context, t *testing.T, path string, status int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	w.lab.Wait(ctx, t, fmt.Sprintf("%s answers %d with %s", path, status, text), func(ctx context.Context) error {
		got, err := w.get(ctx, w.api+path)
		if err != nil {
			return err
		}
		if got.status == http.StatusOK && path == byName && !strings.Contains(got.body, `"value":"3"`) {
			return lab.Stop(fmt.Errorf("a wrong number: %s", got.body))
		}
		if got.status != status || !strings.Contains(got.body, text) {
			return fmt.Errorf("%d %s", got.status, got.body)
		}
		return nil
	})
}

// metric is the value of one of trimtab's own metrics, by the beginning of its line.
func (w *world) metric(ctx context.Context, line string) (float64, error) {
	got, err := w.get(ctx, w.web+"/metrics")
	if err != nil {
		return 0, err
	}
	for one := range strings.Lines(got.body) {
		if rest, ok := strings.CutPrefix(one, line); ok {
			return strconv.ParseFloat(strings.TrimSpace(rest), 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", line)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
