package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"golang.org/x/sync/errgroup"
	eventsv1 "k8s.io/api/events/v1"

	"github.com/trimtab/trimtab/test/lab"
)

const right = `"value":"3"`

func TestFaultsOfPrometheus(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute) // programs may have to be built
	defer cancel()
	w := newWorld(ctx, t)
	w.becomes(ctx, t, byName, 200, right)
	for _, c := range []struct {
		name string
		test func(context.Context, *testing.T, *world)
	}{
		{"one rule of a hundred is broken", oneRuleIsBroken},
		{"answers that are none", answersThatAreNone},
		{"a partial answer", partialAnswer},
		{"stopped", stopped},
		{"restarted with an empty store", emptied},
		{"a clock that is a minute off", clockOff},
		{"hostile names and values", hostile},
		{"a flood of requests for what does not exist", flood},
		{"a rule file half written", halfWritten},
		{"a kind that comes later", laterKind},
		{"pods are not listed for requests", podsAreNotListed},
		{"trimtab explain", explained},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(ctx, t, w)
			w.becomes(ctx, t, byName, 200, right)
			w.becomes(ctx, t, all, 200, `"name":"b"`)
		})
	}
}

func oneRuleIsBroken(ctx context.Context, t *testing.T, w *world) {
	failing, err := w.metric(ctx, "trimtab_adapter_discovery_failing_selectors ")
	if err != nil || failing != 1 {
		t.Errorf("%v selectors fail, %v", failing, err)
	}
}

// answersThatAreNone replaces each answer of Prometheus; none of them may become a number.
func answersThatAreNone(ctx context.Context, t *testing.T, w *world) {
	say := func(status int, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			fmt.Fprint(rw, body)
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	faults := map[string]struct {
		handler http.Handler
		status  int
		says    string
	}{
		"hangs":           {http.HandlerFunc(hang), 504, "Prometheus is slow"},
		"422":             {say(422, `{"status":"error","errorType":"execution","error":"too many samples"}`), 500, "Prometheus refused"},
		"500":             {say(500, "oops"), 503, "Prometheus is not available"},
		"a page":          {say(200, "<html>please log in</html>"), 503, "what answered is not Prometheus"},
		"half JSON":       {say(200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"`), 503, "what answered is not Prometheus"},
		"a matrix":        {say(200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`), 500, "vector"},
		"NaN":             {say(200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"faults","pod":"a"},"value":[1,"NaN"]}]}}`), 503, "NaN"},
		"huge":            {say(200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"faults","pod":"a"},"value":[1,"1e300"]}]}}`), 503, "1e+300"},
		"no value":        {say(200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"faults","pod":"a"}}]}}`), 503, ""},
		"an empty vector": {say(200, `{"status":"success","data":{"resultType":"vector","result":[]}}`), 404, "no sample"},
	}
	for _, name := range sorted(faults) {
		f := faults[name]
		w.proxy.Instead(f.handler)
		w.becomes(ctx, t, byName, f.status, f.says)
		w.proxy.Instead(nil)
		w.becomes(ctx, t, byName, 200, right)
	}
	log, err := os.ReadFile(w.process.Log)
	if err != nil {
		t.Fatal(err)
	}
	// Callers are not shown the causes, which operators are.
	for _, cause := range []string{"no answer within the time-out", "too many samples", "HTTP 500"} {
		if !strings.Contains(string(log), cause) {
			t.Errorf("the log does not have the cause %q", cause)
		}
	}
}

// partialAnswer puts a warning into each answer, as Thanos does when a store is away: the number is used, and known
// to be partial.
func partialAnswer(ctx context.Context, t *testing.T, w *world) {
	w.proxy.Instead(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), r.Method, w.prometheus.URL+r.URL.RequestURI(), r.Body)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		req.Header.Set("Content-Type", r.Header.Get("Content-Type"))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(resp.StatusCode)
		fmt.Fprint(rw, strings.Replace(string(body), `{"status":"success",`, `{"status":"success","warnings":["store s1 is away"],`, 1))
	}))
	defer w.proxy.Instead(nil)
	w.lab.Wait(ctx, t, "answers are known to be partial", func(ctx context.Context) error {
		got, err := w.get(ctx, w.api+byName)
		if err != nil {
			return err
		}
		if got.status != 200 {
			return lab.Stop(fmt.Errorf("%d %s", got.status, got.body))
		}
		metrics, err := w.get(ctx, w.web+"/metrics")
		if err == nil && !strings.Contains(metrics.body, `trimtab_adapter_requests_total{api="custom",code="MetricPartial"`) {
			err = errors.New("no request is counted as MetricPartial")
		}
		return err
	})
}

func stopped(ctx context.Context, t *testing.T, w *world) {
	w.prometheus.Stop()
	w.becomes(ctx, t, byName, 503, "Prometheus is not available")
	if err := w.prometheus.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

// emptied takes all data: what was known stays known, and has no number until there is one.
func emptied(ctx context.Context, t *testing.T, w *world) {
	w.prometheus.Stop()
	if err := os.RemoveAll(filepath.Join(w.lab.Dir, "prometheus", "data")); err != nil {
		t.Fatal(err)
	}
	if err := w.prometheus.Start(ctx); err != nil {
		t.Fatal(err)
	}
	w.becomes(ctx, t, byName, 404, "")
	w.push(ctx, t, 0)
}

// clockOff stores samples of a clock a minute behind: they are a minute old, and used; a rule that says that they may
// not be takes them for none.
func clockOff(ctx context.Context, t *testing.T, w *world) {
	strict := strings.Replace(ruleFile(), "- {seriesQuery: 'depth{", "- {maxStaleness: 30s, seriesQuery: 'late{", 1)
	w.writeRules(t, strings.Replace(strict, "rules:\n", "rules:\n"+`- {seriesQuery: 'depth{pod!=""}', resources: {template: '<<.Resource>>'}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}`+"\n", 1))
	const late = custom + "/pods/a/late"
	defer w.restoreRules(ctx, t, late)
	push := func(late time.Duration) {
		t.Helper()
		err := w.prometheus.Push(ctx, func(yield func(lab.Series) bool) {
			yield(lab.Series{
				Labels:  map[string]string{"__name__": "late", "namespace": namespace, "pod": "a"},
				Samples: []lab.Sample{{Time: time.Now().Add(-late), Value: 7}},
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	push(time.Minute)
	w.becomes(ctx, t, late, 404, "no sample")
	push(0)
	w.becomes(ctx, t, late, 200, `"value":"7"`)
}

// hostile asks for what would be another query if anything of it were not escaped. What reaches Prometheus must be a
// query for just that.
func hostile(ctx context.Context, t *testing.T, w *world) {
	for _, name := range []string{`a"} or vector(1) or depth{pod="a`, `a\`, "a\nb", `a|b`, `.*`, "a`", "\xff\xfe", `<<.Series>>`, strings.Repeat("x", 3000), `../../../../api`} {
		w.proxy.Take()
		for _, path := range []string{
			custom + "/pods/" + url.PathEscape(name) + "/depth",
			custom + "/pods/a/" + url.PathEscape(name),
			"/apis/custom.metrics.k8s.io/v1beta1/namespaces/" + url.PathEscape(name) + "/pods/a/depth",
			byName + "?metricLabelSelector=" + url.QueryEscape("l in ("+name+")"),
			all + "?labelSelector=" + url.QueryEscape("l="+name),
			"/apis/external.metrics.k8s.io/v1beta1/namespaces/" + namespace + "/" + url.PathEscape(name),
		} {
			got, err := w.get(ctx, w.api+path)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if got.status == 200 && strings.Contains(got.body, `"value"`) || got.status >= 500 && !strings.Contains(got.body, `"kind":"Status"`) {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
		for _, asked := range w.proxy.Take() {
			if asked.Query == "" {
				continue
			}
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(asked.Query)
			if err != nil {
				t.Errorf("%q became %s: %v", name, asked.Query, err)
				continue
			}
			selectors := 0
			parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
				if _, ok := n.(*parser.VectorSelector); ok {
					selectors++
				}
				return nil
			})
			if selectors != 1 {
				t.Errorf("%q became %s", name, asked.Query)
			}
		}
	}
}

// flood must leave the memory flat.
func flood(ctx context.Context, t *testing.T, w *world) {
	resident := func() float64 {
		t.Helper()
		bytes, err := w.metric(ctx, "process_resident_memory_bytes ")
		if err != nil {
			t.Fatal(err)
		}
		return bytes / (1 << 20)
	}
	ask := func(from, to int) {
		t.Helper()
		var group errgroup.Group
		group.SetLimit(8)
		for i := from; i < to; i++ {
			group.Go(func() error {
				got, err := w.get(ctx, fmt.Sprintf("%s%s/pods/a/nothing%d", w.api, custom, i))
				if err == nil && got.status != 404 {
					err = fmt.Errorf("%d %s", got.status, got.body)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	const requests = 4000
	ask(0, requests) // the journal and whatever else is bounded fill up
	before := resident()
	ask(requests, 2*requests)
	if after := resident(); after > before+30 {
		t.Errorf("%d requests for what does not exist took %.0f MiB, from %.0f to %.0f", requests, after-before, before, after)
	}
}

// halfWritten is refused with the line, a metric and an Event, and the rules before it stay; the whole file is taken.
func halfWritten(ctx context.Context, t *testing.T, w *world) {
	text := ruleFile()
	w.writeRules(t, text[:len(text)-40])
	w.lab.Wait(ctx, t, "the half file is refused", func(ctx context.Context) error {
		ok, err := w.metric(ctx, "trimtab_config_last_reload_successful ")
		if err != nil {
			return err
		}
		return lab.Want(ok, 0)
	})
	w.becomes(ctx, t, byName, 200, right)
	w.lab.Wait(ctx, t, "an Event tells why", func(ctx context.Context) error {
		var list eventsv1.EventList
		if err := w.lab.Client.List(ctx, &list); err != nil {
			return err
		}
		for _, e := range list.Items {
			if e.Reason == "ConfigurationRefused" && strings.Contains(e.Note, "rules.yaml") {
				return nil
			}
		}
		return fmt.Errorf("none of %d Events", len(list.Items))
	})
	w.writeRules(t, strings.Replace(text, "- {seriesQuery: 'depth{", "- {name: {as: level}, seriesQuery: 'depth{", 1))
	const level = custom + "/pods/a/level"
	w.becomes(ctx, t, level, 200, right)
	w.restoreRules(ctx, t, level)
}

func (w *world) writeRules(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(w.rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// restoreRules writes the rules that most tests have, and waits until they are in force and all of their series have been
// asked for: only then is it certain that there is no such metric any more.
func (w *world) restoreRules(ctx context.Context, t *testing.T, gone string) {
	t.Helper()
	w.writeRules(t, ruleFile())
	w.becomes(ctx, t, gone, 404, "no rule exposes it")
}

// explained asks the running trimtab by its own command.
func explained(ctx context.Context, t *testing.T, w *world) {
	explain := func(metric string) (string, error) {
		cmd := exec.CommandContext(ctx, filepath.Join(w.lab.Dir, "bin", "trimtab"), "explain", "metric", "--server", w.debug, "--namespace", namespace, metric)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := explain("pods/depth")
	for _, want := range []string{
		"metric pods/depth\n", "rules[1], series depth\n", `sum(depth{namespace="faults",pod="NAME"}) by (pod)`,
		`common query  sum by (pod, namespace) (depth{namespace="faults",pod!=""})`, "2 rows",
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("it says, with error %v:\n%s\nand not %s", err, out, want)
		}
	}
	out, err = explain("depht")
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != 1 || !strings.Contains(out, "refused: ") || !strings.Contains(out, `no metric is called "depht"`) {
		t.Errorf("of a metric that is not there it says, with error %v:\n%s", err, out)
	}
}

const fleet = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.fleet.example.com}
spec:
  group: fleet.example.com
  scope: Cluster
  names: {plural: ships, singular: ship, kind: Ship}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

// laterKind brings a CRD while trimtab runs; its objects have metrics without a restart, by name and, from a watch that
// begins then, by selector.
func laterKind(ctx context.Context, t *testing.T, w *world) {
	const one = "/apis/custom.metrics.k8s.io/v1beta1/ships.fleet.example.com/vela/cargo"
	w.becomes(ctx, t, one, 404, "serves no resource ships.fleet.example.com")
	if err := w.lab.Apply(ctx, fleet); err != nil {
		t.Fatal(err)
	}
	if _, err := w.lab.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"); err != nil {
		t.Fatal(err)
	}
	if err := w.lab.Apply(ctx, "{apiVersion: fleet.example.com/v1, kind: Ship, metadata: {name: vela, labels: {fleet: north}}}"); err != nil {
		t.Fatal(err)
	}
	err := w.prometheus.Push(ctx, func(yield func(lab.Series) bool) {
		yield(lab.Series{
			Labels:  map[string]string{"__name__": "cargo", "ship": "vela"},
			Samples: []lab.Sample{{Time: time.Now(), Value: 11}, {Time: time.Now().Add(9 * time.Minute), Value: 11}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	w.becomes(ctx, t, one, 200, `"value":"11"`)
	w.becomes(ctx, t, "/apis/custom.metrics.k8s.io/v1beta1/ships.fleet.example.com/*/cargo?labelSelector=fleet%3Dnorth", 200, `"value":"11"`)
}

// podsAreNotListed reads the API server's audit log: whatever was asked until now, pods were listed for the watch only.
func podsAreNotListed(ctx context.Context, t *testing.T, w *world) {
	for range 50 {
		w.becomes(ctx, t, all, 200, `"name":"b"`)
	}
	raw, err := os.ReadFile(w.lab.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	lists := 0
	for line := range strings.Lines(string(raw)) {
		var event struct {
			Verb      string
			UserAgent string
			ObjectRef struct{ Resource, APIGroup string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			continue // the last line may be half written
		}
		if event.Verb == "list" && strings.HasPrefix(event.UserAgent, "trimtab") && event.ObjectRef.Resource == "pods" && event.ObjectRef.APIGroup == "" {
			lists++
		}
	}
	if lists > 1 {
		t.Errorf("pods were listed %d times", lists)
	}
}
