package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/internal/text"
)

const explainUsage = `Asks the running trimtab what it decided, and why.

Usage: trimtab explain metric [flags] NAME
       trimtab explain pod [flags] NAMESPACE/NAME
       trimtab explain node [flags] NAME
       trimtab explain headroom [flags] NAME

metric: how it is answered: the rule, the PromQL, whether it is merged with that of other requests, when it was evaluated
last, and the HPAs that ask for it. NAME is as discovery lists it, pods/http_requests or external/queue_length; without
the part before the slash it is each metric of that name.
pod: the node group that grows for it and why no other does, or why each group cannot take it; of a pod that runs,
whether it keeps its node. Without a namespace it is one of the namespace that --namespace names, or of default.
node: why it goes or stays, whether each of its pods keeps it, and where they would move.
headroom: how much of it there is and is coming, and why no group grows for what is missing.

The server is that of server.debugAddress; from outside of the cluster:

  $ kubectl -n trimtab-system port-forward deployment/trimtab 8081 &
  $ trimtab explain metric --namespace shop pods/http_requests
  $ trimtab explain pod shop/web-7d9fc8b6c4-x2k9p
`

// explainTimeout bounds the question to the running trimtab.
const explainTimeout = 30 * time.Second

// explained is the answer of /debug/explain.
type explained struct {
	Metrics []adapter.Explanation `json:"metrics"`
	// NoExplanation is given where no metric has the name.
	adapter.NoExplanation
}

func explainCommand(ctx context.Context, args []string, s stdio) int {
	fs := flag.NewFlagSet("explain", flag.ContinueOnError)
	output := outputFlag(fs)
	server := fs.String("server", "http://localhost:8081", "`URL` of the debug pages of the running trimtab (server.debugAddress)")
	tokenFile := fs.String("token-file", "", "`file` of a bearer token, for debug pages that are not on localhost")
	query := url.Values{}
	for _, f := range []struct{ name, usage string }{
		{"namespace", "`namespace` to write the query for"},
		{"name", "`name` of the one object to write the query for"},
		{"selector", "metric `selector` to write the query for"},
	} {
		fs.Func(f.name, f.usage, func(v string) error { query.Set(f.name, v); return nil })
	}
	if code, done := parse(fs, explainUsage, args, s); done {
		return code
	}
	if fs.NArg() != 2 || !slices.Contains([]string{"metric", "pod", "node", "headroom"}, fs.Arg(0)) {
		return wrongUsage(fs, s, "name what to explain: metric NAME, pod NAMESPACE/NAME, node NAME or headroom NAME")
	}
	if *output != "text" && *output != "json" {
		return wrongUsage(fs, s, "-o %q is neither text nor json", *output)
	}
	asked := running{url: *server, tokenFile: *tokenFile}
	if kind := fs.Arg(0); kind != "metric" {
		return explainObject(ctx, kind, fs.Arg(1), query, asked, *output, s)
	}
	query.Set("metric", fs.Arg(1))
	var answer explained
	if err := asked.ask(ctx, "/debug/explain?"+query.Encode(), &answer); err != nil {
		return s.fail(err)
	}
	if *output == "json" {
		if err := json.NewEncoder(s.out).Encode(answer); err != nil {
			return s.fail(err)
		}
	} else {
		writeExplained(s.out, answer)
	}
	switch {
	case len(answer.Metrics) > 0:
		return exitDone
	case answer.CannotTell != "":
		return s.fail(fmt.Errorf("nobody can tell whether a metric is called %q: %s", fs.Arg(1), oneLine(answer.CannotTell)))
	default:
		return s.fail(fmt.Errorf("no metric is called %q", fs.Arg(1)))
	}
}

// running is the debug pages of a running trimtab.
type running struct{ url, tokenFile string }

// ask reads one page.
func (server running) ask(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	page, err := server.open(ctx, path)
	if err != nil {
		return err
	}
	defer page.Close()
	body, err := readBounded(page)
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", text.Address(server.url), err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s does not answer as trimtab does: %w", text.Address(server.url), err)
	}
	return nil
}

// open asks for one page, which is read as it comes.
func (server running) open(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(server.url, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("--server %s is no URL; write it with its scheme, as in http://localhost:8081", text.Quote(text.Address(server.url)))
	}
	if server.tokenFile != "" {
		token, err := readFile(server.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("--token-file %s: %w", server.tokenFile, err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the running trimtab: %w; --server names where it listens (server.debugAddress in its configuration)", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) // the status says it too
		return nil, fmt.Errorf("%s answers %s: %s", text.Address(server.url), resp.Status, oneLine(string(why)))
	}
	return resp.Body, nil
}

func writeExplained(w io.Writer, answer explained) {
	line := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			fmt.Fprintf(w, "  %-13s %s\n", name, oneLine(text))
		}
	}
	for _, m := range answer.Metrics {
		fmt.Fprintln(w, "metric "+oneLine(m.Metric))
		line("rule", "%s, series %s", m.Rule, m.Series)
		line("server", "%s", m.Source)
		line("query", "%s", m.Query)
		line("common query", "%s", m.Common)
		line("not merged", "%s", m.NotMerged)
		line("several rows", "%s", m.SeveralRows)
		if m.EvaluatedAt != nil {
			line("evaluated", "for %s, %d rows", m.EvaluatedAt.UTC().Format(time.RFC3339), m.Rows)
		}
		line("error", "%s", m.Error)
		line("asked by", "%s", strings.Join(m.HPAs, " "))
	}
	for _, text := range answer.Instead {
		fmt.Fprintln(w, oneLine(text))
	}
}

// explainHandler serves /debug/explain by the parts that there are.
func explainHandler(services []service) http.Handler {
	var metrics *adapter.Adapter
	var nodes *clusterscaler.ClusterScaler
	for _, sv := range services {
		switch part := sv.part.(type) {
		case *adapter.Adapter:
			metrics = part
		case *clusterscaler.ClusterScaler:
			nodes = part
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kinds := map[string]http.HandlerFunc{"pod": noPart("clusterScaler"), "node": noPart("clusterScaler"), "headroom": noPart("clusterScaler"), "metric": noPart("adapter")}
		if nodes != nil {
			for _, kind := range []string{"pod", "node", "headroom"} {
				kinds[kind] = explainsObject(nodes, kind)
			}
		}
		if metrics != nil {
			kinds["metric"] = explainsMetric(metrics)
		}
		for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
			if known := []string{"metric", "namespace", "name", "selector", "pod", "node", "headroom"}; !slices.Contains(known, name) {
				http.Error(w, fmt.Sprintf("parameter %.80q is unknown; known: %s", name, strings.Join(known, ", ")), http.StatusBadRequest)
				return
			}
		}
		for _, kind := range []string{"metric", "pod", "node", "headroom"} {
			if r.URL.Query().Get(kind) != "" {
				kinds[kind](w, r)
				return
			}
		}
		http.Error(w, "one of these is required: metric=pods/http_requests (or external/queue_length, or a bare name), pod=NAMESPACE/NAME, node=NAME, headroom=NAME", http.StatusBadRequest)
	})
}

// noPart answers for a part that is not configured.
func noPart(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "this trimtab has no part "+name+" (the section of its configuration)", http.StatusNotFound)
	}
}

func explainsMetric(part *adapter.Adapter) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		selector, err := labels.Parse(q.Get("selector"))
		if err != nil {
			http.Error(w, "selector: "+err.Error(), http.StatusBadRequest)
			return
		}
		var answer explained
		answer.Metrics, answer.NoExplanation = part.Explain(r.Context(), adapter.ExplainRequest{
			Metric: q.Get("metric"), Namespace: q.Get("namespace"), Name: q.Get("name"), Selector: selector,
		})
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}
}
