package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/internal/verdict"
)

// explanation is the answer of /debug/explain for a pod or a node.
type explanation struct {
	decision
	// SeenAt is the start of the loop that decided.
	SeenAt time.Time `json:"seenAt"`
	Group  string    `json:"group,omitempty"`
	// Groups is for a pod that needs a node. Pods and Moves are for a node.
	Groups []decision `json:"groups,omitempty"`
	Pods   []decision `json:"pods,omitempty"`
	Moves  []move     `json:"moves,omitempty"`
}

// decision is a verdict, also as a sentence.
type decision struct {
	Subject string          `json:"subject"`
	Kind    string          `json:"kind"`
	Name    string          `json:"name,omitempty"`
	Code    verdict.Code    `json:"code"`
	Facts   json.RawMessage `json:"facts,omitempty"`
	Message string          `json:"message"`
}

type move struct {
	Pod string `json:"pod"`
	To  string `json:"to"`
}

func decisionOf(v verdict.Verdict) decision {
	d := decision{Subject: v.Subject.String(), Kind: v.Subject.Kind, Name: v.Subject.Name, Code: v.Code, Message: v.Message()}
	if len(v.Facts) > 0 {
		d.Facts, _ = json.Marshal(v.Facts) // numbers and strings
	}
	return d
}

// explainsObject answers for one kind of object.
func explainsObject(part *clusterscaler.ClusterScaler, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, at, err := part.Explain(kind, r.URL.Query().Get(kind))
		switch {
		case errors.Is(err, clusterscaler.ErrUnknown):
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		out := explanation{decision: decisionOf(e.Verdict), SeenAt: at, Group: e.Group}
		for _, v := range e.Groups {
			out.Groups = append(out.Groups, decisionOf(v))
		}
		for _, v := range e.Pods {
			out.Pods = append(out.Pods, decisionOf(v))
		}
		for _, m := range e.Moves {
			out.Moves = append(out.Moves, move(m))
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	}
}

// explainedObject is a kind of object for `trimtab explain`.
type explainedObject struct{ kind, name, short, long, example string }

func explainedObjects() []explainedObject {
	return []explainedObject{
		{"pod", "[NAMESPACE/]NAME", "Which node group grows for a pod, or why none can",
			`Says which node group grows for a pod and why no other does, or why each group cannot take it; of a pod that runs,
whether it keeps its node. Without a namespace it is the one that --namespace names, or that of the kubeconfig's context.`, "shop/web-7d9fc8b6c4-x2k9p"},
		{"node", "NAME", "Why a node goes or stays",
			"Says why a node goes or stays, whether each of its pods keeps it, and where they would move.", "n1"},
		{"headroom", "NAME", "How much of a headroom there is",
			"Says how much of a headroom there is and is coming, and why no group grows for what is missing.", "web"},
	}
}

func (o explainedObject) command(asked *running, namespace *string, output *outputFormat, s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: o.kind + " " + o.name, Short: o.short, Long: o.long,
		Example: "  $ trimtab explain " + o.kind + " " + o.example,
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 || o.kind == "headroom" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return asked.cluster.names(cmd.Context(), o.kind+"s", *namespace, begun)
	}
	// Flags for metrics were always accepted here, and never had an effect.
	for _, flag := range []string{"name", "selector"} {
		cmd.Flags().String(flag, "", "")
		must(cmd.Flags().MarkHidden(flag))
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("name one %s: %s", o.kind, o.name)
		}
		if parts := strings.Split(args[0], "/"); slices.Contains(parts, "") || len(parts) > strings.Count(o.name, "/")+1 {
			return wrongUsage("%.80q is no name of a %s: %s", args[0], o.kind, o.name)
		}
		return explainObject(cmd.Context(), o.kind, args[0], *namespace, asked, *output, s)
	}
	return cmd
}

// explainObject asks the running trimtab about an object, and prints the answer.
func explainObject(ctx context.Context, kind, name, namespace string, asked *running, output outputFormat, s stdio) (err error) {
	if own, _, both := strings.Cut(name, "/"); kind == "pod" && both && namespace != "" && own != namespace {
		return wrongUsage("--namespace %.80q and %.300q name two namespaces; leave one out", namespace, name)
	} else if kind == "pod" && !both {
		if namespace == "" {
			if namespace, err = asked.namespace(); err != nil {
				return err
			}
		}
		name = namespace + "/" + name
	}
	var answer explanation
	if err := asked.ask(ctx, "/debug/explain?"+url.Values{kind: {name}}.Encode(), &answer); err != nil {
		return err
	}
	if output == "json" {
		return answered(json.NewEncoder(s.out).Encode(answer))
	}
	writeExplanation(s.out, &answer)
	return nil
}

func writeExplanation(w io.Writer, e *explanation) {
	fmt.Fprintln(w, text.Squeezed(e.Subject+": "+told(e.Code, e.Message)))
	line := func(name, says string) { fmt.Fprintf(w, "  %-7s %s\n", name, text.Squeezed(says)) }
	line("seen", e.SeenAt.UTC().Format(time.RFC3339))
	if e.Group != "" {
		line("group", e.Group)
	}
	for _, g := range e.Groups {
		fmt.Fprintf(w, "  %s\n", text.Squeezed(g.Subject+": "+told(g.Code, g.Message)))
	}
	to := map[string]string{}
	for _, m := range e.Moves {
		to[m.Pod] = m.To
	}
	for _, p := range e.Pods {
		says := p.Subject + ": " + told(p.Code, p.Message)
		if target := to[p.Name]; target != "" {
			says += ", would run on " + target
		}
		fmt.Fprintf(w, "  %s\n", text.Squeezed(says))
	}
}
