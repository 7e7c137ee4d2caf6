package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/internal/verdict"
)

// What a trimtab answers is printed for people, whatever names it holds, or passed on as it is.
func TestExplainPrintsWhatIsAnswered(t *testing.T) {
	answer := explanation{
		decision: decisionOf(verdict.Because(verdict.On("node", "n1"), "NotUnneededLongEnough", verdict.Duration("wait", 10*time.Minute))),
		SeenAt:   time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), Group: "general",
		Pods: []decision{
			decisionOf(verdict.Because(verdict.On("pod", "shop/web-1"), "MovesWithNode", verdict.Text("node", "n1"))),
			decisionOf(verdict.Because(verdict.On("pod", "shop/evil\x1b[31m"), "EndsWithNode")),
		},
		Moves: []move{{"shop/web-1", "n2"}},
	}
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.RequestURI()
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer server.Close()
	got := runTrimtab(t, "", "explain", "node", "--server", server.URL, "n1")
	want := `node n1: NotUnneededLongEnough: wait 10m0s
  seen    2026-01-01T12:00:00Z
  group   general
  pod shop/web-1: MovesWithNode: node n1, would run on n2
  pod shop/evil [31m: EndsWithNode: `
	if got.code != exitDone || !strings.HasPrefix(got.out, want) || strings.Contains(got.out, "\x1b") {
		t.Errorf("exit %d, %s%q, want\n%s", got.code, got.err, got.out, want)
	}
	var again explanation
	raw := runTrimtab(t, "", "explain", "node", "-o", "json", "--server", server.URL, "n1")
	if err := json.Unmarshal([]byte(raw.out), &again); err != nil || again.Subject != "node n1" || string(again.Facts) != `{"wait_seconds":600}` || len(again.Moves) != 1 {
		t.Errorf("%v: %s", err, raw.out)
	}
	for _, args := range [][]string{{"pod", "web-1"}, {"pod", "--namespace", "shop", "web-1"}, {"pod", "--namespace", "shop", "shop/web-1"}, {"pod", "other/web-1"}} {
		runTrimtab(t, "", append([]string{"explain", "--server", server.URL}, args...)...)
	}
	close(asked)
	var uris []string
	for uri := range asked {
		uris = append(uris, strings.TrimPrefix(uri, "/debug/explain?"))
	}
	if got, want := strings.Join(uris, " "), "node=n1 node=n1 pod=default%2Fweb-1 pod=shop%2Fweb-1 pod=shop%2Fweb-1 pod=other%2Fweb-1"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

// That there is no metric is only said where somebody knows.
func TestExplainSaysWhenNobodyCanTell(t *testing.T) {
	var answer explained
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer server.Close()
	answer.Instead = []string{"rule rules[0]: RuleSeriesUnknown"}
	for cannotTell, want := range map[string]string{
		"": "trimtab: no metric is called \"pods/x\"\n",
		"discovery is not complete: connection refused": "trimtab: nobody can tell whether a metric is called \"pods/x\": discovery is not complete: connection refused\n",
	} {
		answer.CannotTell = cannotTell
		if got := runTrimtab(t, "", "explain", "metric", "--server", server.URL, "pods/x"); got != (trimtab{exitWrong, "rule rules[0]: RuleSeriesUnknown\n", want}) {
			t.Errorf("%+v", got)
		}
	}
	answer = explained{Metrics: []adapter.Explanation{{Metric: "pods/x", SeveralRows: "gives an object a row for each value of path"}}}
	if got := runTrimtab(t, "", "explain", "metric", "--server", server.URL, "x"); got.code != exitDone || !strings.Contains(got.out, "\n  several rows  gives an object a row for each value of path\n") {
		t.Errorf("%+v", got)
	}
}

func TestExplainAnswersForTheParts(t *testing.T) {
	handler := explainHandler(nil)
	for query, want := range map[string]string{
		"":          "400 one of these is required",
		"pod=a/b":   "404 this trimtab has no part clusterScaler",
		"node=n":    "404 this trimtab has no part clusterScaler",
		"metric=up": "404 this trimtab has no part adapter",
		"name=n":    "400 one of these",
		// One of several would be answered, and the others not.
		"pod=a/b&node=n":  "400 one of these is required, once",
		"pod=a/b&pod=a/c": "400 one of these is required, once",
		"pod=&node=":      "400 one of these is required, once",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/explain?"+query, nil))
		if got := w.Result().Status; !strings.HasPrefix(got[:3]+" "+w.Body.String(), want) {
			t.Errorf("%q: %s %s, want %s", query, got, w.Body, want)
		}
	}
	t.Setenv("KUBECONFIG", "testdata/kubeconfig.yaml")
	for line, want := range map[string]string{
		"explain":                         "name a command: headroom, metric, node, pod",
		"explain pod":                     "name one pod: [NAMESPACE/]NAME",
		"explain group a":                 `unknown command "group"; known: headroom, metric, node, pod`,
		"explain pod a b":                 "name one pod: [NAMESPACE/]NAME",
		"explain pod -n shop other/web-1": `--namespace "shop" and "other/web-1" name two namespaces; leave one out`,
		"explain pod -n shop /web-1":      `"/web-1" is no name of a pod: [NAMESPACE/]NAME`,
		"explain metric":                  "name one metric, as in pods/http_requests",
		"explain node --server h:1 --kubeconfig k n1": "if any flags in the group [server kubeconfig] are set none of the others can be; [kubeconfig server] were all set",
		"explain node --server h:1 --lease a/b n1":    "if any flags in the group [server lease] are set none of the others can be; [lease server] were all set",
		"explain node --lease trimtab n1":             `--lease "trimtab" is not NAMESPACE/NAME`,
		"explain node --debug-port 65536 n1":          `--debug-port: "65536": value out of range`,
		"explain node node/n1":                        `"node/n1" is no name of a node: NAME`,
		"explain headroom ''":                         `"" is no name of a headroom: NAME`,
		"explain pod ''":                              `"" is no name of a pod: [NAMESPACE/]NAME`,
		"explain pod shop/":                           `"shop/" is no name of a pod: [NAMESPACE/]NAME`,
		"explain pod a/b/c":                           `"a/b/c" is no name of a pod: [NAMESPACE/]NAME`,
		"explain metric -n a ''":                      "name one metric, as in pods/http_requests",
	} {
		args := strings.Fields(strings.ReplaceAll(line, "''", "EMPTY"))
		for i := range args {
			args[i] = strings.TrimPrefix(args[i], "EMPTY")
		}
		if got := runTrimtab(t, "", args...); got.code != exitUsage || got.out != "" || !strings.Contains(got.err, ": "+want+"; `trimtab explain") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// Without an address it is the kubeconfig that says where to ask.
func TestExplainGoesByTheKubeconfig(t *testing.T) {
	for kubeconfig, want := range map[string]struct{ said, namespace string }{
		"testdata/kubeconfig.yaml": {`read Lease trimtab-system/trimtab: Get "https://127.0.0.1:1/apis/`, "shop"},
		"testdata/there-is-none":   {"", "default"},
	} {
		t.Setenv("KUBECONFIG", kubeconfig)
		asked := running{lease: "trimtab-system/trimtab", port: 1}
		if namespace, err := asked.namespace(); err != nil || namespace != want.namespace {
			t.Errorf("%s: %s, %v", kubeconfig, namespace, err)
		}
		_, where, _, err := asked.connect(t.Context())
		if (err == nil) != (where == localDebug) || err != nil && !strings.HasPrefix(err.Error(), want.said) {
			t.Errorf("%s: %s, %v", kubeconfig, where, err)
		}
		if err == nil {
			said := asked.unreachable(where, errors.New("refused")).Error()
			if want := "refused; there is no kubeconfig in testdata/there-is-none, so " + localDebug + " was asked: name one by --kubeconfig or $KUBECONFIG, or"; !strings.Contains(said, want) {
				t.Errorf("%q does not say %q", said, want)
			}
		}
	}
	for line, want := range map[string]string{
		"--context dev":      `context "dev" does not exist`,
		"--kubeconfig none":  "none: no such file or directory",
		"--server http://[x": "is neither HOST:PORT nor a URL",
	} {
		got := runTrimtab(t, "", append([]string{"explain", "node", "n1"}, strings.Fields(line)...)...)
		if got.code == exitDone || !strings.Contains(got.err, want) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%s: %+v", line, got)
		}
	}
}
