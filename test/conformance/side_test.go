package conformance

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/trimtab/trimtab/test/conformance/proxy"
	"github.com/trimtab/trimtab/test/lab"
)

// side is one of the two programs, with the proxy through which it sees Prometheus.
type side struct {
	name  string
	url   string
	proxy *proxy.Proxy
	http  *http.Client
}

// pair are both programs with one rule file.
type pair struct{ original, ours *side }

// startPair starts both with the rules, and waits until each has discovered what there is.
func startPair(ctx context.Context, t *testing.T, l *lab.Lab, prometheus *lab.Prometheus, name, rules string) pair {
	t.Helper()
	file := filepath.Join(l.Dir, name+".rules.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		t.Fatal(err)
	}
	original, ours := newSide(t, l, prometheus, "original"), newSide(t, l, prometheus, "ours")
	startOriginal(ctx, t, l, original, name, file)
	startOurs(ctx, t, l, ours, name, file)
	return pair{original, ours}
}

func newSide(t *testing.T, l *lab.Lab, prometheus *lab.Prometheus, name string) *side {
	t.Helper()
	p, err := proxy.Start(prometheus.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	client, err := l.AdminClient()
	if err != nil {
		t.Fatal(err)
	}
	return &side{name: name, url: "https://127.0.0.1:" + freePort(t), proxy: p, http: client}
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// startOriginal waits for the second round of discovery to begin: the first has then ended.
func startOriginal(ctx context.Context, t *testing.T, l *lab.Lab, s *side, name, rules string) {
	t.Helper()
	dir := filepath.Join(l.Dir, name+".original")
	p, err := l.Run(name+"-original", "prometheus-adapter", l.Kubeconfig, originalArgs(l.Kubeconfig, s, rules, dir)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	if err := p.WaitOK(ctx, s.url+"/readyz"); err != nil {
		t.Fatal(err)
	}
	missing := selectors(t, rules)
	l.Wait(ctx, t, "the original has discovered the series of "+name, func(context.Context) error {
		for _, r := range s.proxy.Take() {
			for _, selector := range r.Match {
				missing[selector]--
			}
		}
		for selector, times := range missing {
			if times > 0 {
				return fmt.Errorf("%s must be asked for %d times more", selector, times)
			}
		}
		return nil
	})
}

// selectors are those of a rule file, each with how often it is asked for in two rounds: rules and
// externalRules have rounds of their own, which ask for equal selectors once.
func selectors(t *testing.T, path string) map[string]int {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	type rule struct{ SeriesQuery string }
	var file struct{ Rules, ExternalRules []rule }
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, rules := range [][]rule{file.Rules, file.ExternalRules} {
		seen := map[string]bool{}
		for _, r := range rules {
			if !seen[r.SeriesQuery] {
				out[r.SeriesQuery] += 2
			}
			seen[r.SeriesQuery] = true
		}
	}
	return out
}

// originalArgs are the flags with which the original asks its API server without a limit of five a second, and
// Prometheus for new series each second.
func originalArgs(kubeconfig string, s *side, rules, dir string) []string {
	return []string{
		"--lister-kubeconfig", kubeconfig, "--authentication-kubeconfig", kubeconfig, "--authorization-kubeconfig", kubeconfig,
		"--client-qps", "1000", "--client-burst", "1000",
		"--bind-address", "127.0.0.1", "--secure-port", port(s.url), "--cert-dir", dir,
		"--prometheus-url", s.proxy.URL, "--config", rules, "--metrics-relist-interval", "1s", "--metrics-max-age", "5m",
	}
}

func port(url string) string { return url[len("https://127.0.0.1:"):] }

// startOurs starts trimtab in the mode in which it asks each request as the original does.
func startOurs(ctx context.Context, t *testing.T, l *lab.Lab, s *side, name, rules string) {
	t.Helper()
	http := "127.0.0.1:" + freePort(t)
	config := filepath.Join(l.Dir, name+".trimtab.yaml")
	text := fmt.Sprintf(`
server: {address: %q, debugAddress: ""}
prometheus: {url: %q}
adapter: {bindAddress: 127.0.0.1, securePort: %s, metricsRelistInterval: 5m, rulesFile: %q, compat: true}
`, http, s.proxy.URL, port(s.url), rules)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := l.Run(name+"-trimtab", "trimtab", l.Kubeconfig, "run", "--config", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	if err := p.WaitOK(ctx, "http://"+http+"/readyz"); err != nil {
		t.Fatal(err)
	}
}

// ask sends the request and gives what came back, and what was asked of Prometheus for it.
func (s *side) ask(ctx context.Context, path string) (answer, error) {
	s.proxy.Take()
	url, isTable := strings.CutSuffix(s.url+path, asTable)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	if isTable {
		req.Header.Set("Accept", "application/json;as=Table;g=meta.k8s.io;v=v1")
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", s.name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", s.name, err)
	}
	out := answer{status: resp.StatusCode}
	for _, r := range s.proxy.Take() {
		if r.Path == "/api/v1/query" {
			out.queries = append(out.queries, r.Query)
		}
	}
	if strings.HasPrefix(path, resourceV1) {
		out.queries = each(out.queries, sortedNames)
	}
	slices.Sort(out.queries)
	return out, out.read(body)
}

// sortedNames sorts the alternatives of each pattern: the original has the pods and nodes of metrics.k8s.io in
// any order.
func sortedNames(query string) string {
	return regexp.MustCompile(`"[^"]*"`).ReplaceAllStringFunc(query, func(quoted string) string {
		names := strings.Split(strings.Trim(quoted, `"`), "|")
		slices.Sort(names)
		return `"` + strings.Join(names, "|") + `"`
	})
}
