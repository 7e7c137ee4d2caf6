package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/internal/verdict"
)

// explanation is what /debug/explain says of a pod or a node.
type explanation struct {
	decision
	// SeenAt is when the loop began that it is about.
	SeenAt time.Time `json:"seenAt"`
	Group  string    `json:"group,omitempty"`
	// Groups are for a pod that needs a node; Pods and Moves are for a node.
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

// explainObject asks about a pod or a node, and prints the answer.
func explainObject(ctx context.Context, kind, name string, query url.Values, server running, output string, s stdio) int {
	if kind == "pod" && !strings.Contains(name, "/") {
		namespace := query.Get("namespace")
		if namespace == "" {
			namespace = "default"
		}
		name = namespace + "/" + name
	}
	var answer explanation
	if err := server.ask(ctx, "/debug/explain?"+url.Values{kind: {name}}.Encode(), &answer); err != nil {
		return s.fail(err)
	}
	if output == "json" {
		if err := json.NewEncoder(s.out).Encode(answer); err != nil {
			return s.fail(err)
		}
		return exitDone
	}
	writeExplanation(s.out, &answer)
	return exitDone
}

func writeExplanation(w io.Writer, e *explanation) {
	fmt.Fprintln(w, oneLine(e.Subject+": "+e.Message))
	line := func(name, text string) { fmt.Fprintf(w, "  %-7s %s\n", name, oneLine(text)) }
	line("seen", e.SeenAt.UTC().Format(time.RFC3339))
	if e.Group != "" {
		line("group", e.Group)
	}
	for _, g := range e.Groups {
		fmt.Fprintf(w, "  %s\n", oneLine(g.Subject+": "+g.Message))
	}
	to := map[string]string{}
	for _, m := range e.Moves {
		to[m.Pod] = m.To
	}
	for _, p := range e.Pods {
		text := p.Subject + ": " + p.Message
		if target := to[p.Name]; target != "" {
			text += ", would run on " + target
		}
		fmt.Fprintf(w, "  %s\n", oneLine(text))
	}
}
