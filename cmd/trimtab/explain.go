package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/internal/text"
)

// explained is the answer of /debug/explain.
type explained struct {
	Metrics []adapter.Explanation `json:"metrics"`
	// NoExplanation is used where no metric has the name.
	adapter.NoExplanation
}

func explainCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain", GroupID: groupDecisions,
		Short: "What the running trimtab decided on a metric, a pod, a node or a headroom, and why",
		Long: `Asks the running trimtab what it decided, and why. It finds the replica that leads by the Lease of the cluster that the
kubeconfig names, and forwards to the debug pages of its pod as kubectl port-forward does; --server names them
instead. Without a kubeconfig they are asked on ` + localDebug + `, as in trimtab's own pod.`,
		Example: `  $ trimtab explain metric --namespace shop pods/http_requests
  $ trimtab explain pod -n shop web-7d9fc8b6c4-x2k9p
  $ trimtab explain node --context staging n1`,
	}
	asked, output := &running{}, outputFlag(cmd)
	asked.define(cmd)
	namespace := cmd.PersistentFlags().StringP("namespace", "n", "", "`namespace` of the pod, or to write the metric's query for")
	must(cmd.RegisterFlagCompletionFunc("namespace", func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return asked.cluster.names(cmd.Context(), "namespaces", "", begun)
	}))
	cmd.AddCommand(explainMetricCommand(asked, namespace, output, s))
	for _, object := range explainedObjects() {
		cmd.AddCommand(object.command(asked, namespace, output, s))
	}
	return cmd
}

func explainMetricCommand(asked *running, namespace *string, output *outputFormat, s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "metric NAME",
		Short: "How a metric is answered",
		Long: `Says how a metric is answered: the rule, the PromQL, whether it is merged with that of other requests, when it was
evaluated last, and the HPAs that ask for it. NAME is as discovery lists it, pods/http_requests or
external/queue_length; without the part before the slash it is each metric of that name.`,
		Example: `  $ trimtab explain metric pods/http_requests
  $ trimtab explain metric --namespace shop --selector app=web http_requests`,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	name := cmd.Flags().String("name", "", "`name` of the one object to write the query for")
	selector := cmd.Flags().String("selector", "", "metric `selector` to write the query for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return wrongUsage("name one metric, as in pods/http_requests")
		}
		query := url.Values{"metric": args}
		for key, value := range map[string]string{"namespace": *namespace, "name": *name, "selector": *selector} {
			if value != "" {
				query.Set(key, value)
			}
		}
		return explainMetric(cmd.Context(), args[0], query, asked, *output, s)
	}
	return cmd
}

func explainMetric(ctx context.Context, name string, query url.Values, asked *running, output outputFormat, s stdio) error {
	var answer explained
	if err := asked.ask(ctx, "/debug/explain?"+query.Encode(), &answer); err != nil {
		return err
	}
	if output == "json" {
		if err := json.NewEncoder(s.out).Encode(answer); err != nil {
			return answered(err)
		}
	} else {
		writeExplained(s.out, answer)
	}
	switch {
	case len(answer.Metrics) > 0:
		return nil
	case answer.CannotTell != "":
		return fmt.Errorf("nobody can tell whether a metric is called %q: %s", name, text.Squeezed(answer.CannotTell))
	default:
		return fmt.Errorf("no metric is called %q", name)
	}
}

func writeExplained(w io.Writer, answer explained) {
	line := func(name, format string, args ...any) {
		if says := fmt.Sprintf(format, args...); says != "" {
			fmt.Fprintf(w, "  %-13s %s\n", name, text.Squeezed(says))
		}
	}
	for _, m := range answer.Metrics {
		fmt.Fprintln(w, "metric "+text.Squeezed(m.Metric))
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
	for _, says := range answer.Instead {
		fmt.Fprintln(w, text.Squeezed(says))
	}
}

// explainHandler serves /debug/explain for the parts that run.
func explainHandler(services []service) http.Handler {
	var metrics *adapter.Adapter
	var nodes *clusterscaler.ClusterScaler
	for _, sv := range services {
		switch part := sv.runner.(type) {
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
		var asked []string
		for kind := range kinds {
			asked = append(asked, r.URL.Query()[kind]...)
		}
		for kind, answer := range kinds {
			if len(asked) == 1 && r.URL.Query().Get(kind) != "" {
				answer(w, r)
				return
			}
		}
		http.Error(w, "one of these is required, once: metric=pods/http_requests (or external/queue_length, or a bare name), pod=NAMESPACE/NAME, node=NAME, headroom=NAME", http.StatusBadRequest)
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
