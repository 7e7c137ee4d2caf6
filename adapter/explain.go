package adapter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/text"
)

// ExplainRequest chooses the metrics to explain.
type ExplainRequest struct {
	// Metric is pods/http_requests or external/queue, as discovery lists them. A name without a slash means each metric
	// of that name.
	Metric string
	// Namespace and Name narrow the query that is shown; both may be empty.
	Namespace, Name string
	// Selector is the metric selector.
	Selector labels.Selector
}

// Explanation says how requests for one metric are answered now, and why.
type Explanation struct {
	Metric string `json:"metric"`
	// Rule and Series say where the metric comes from. Source is the Prometheus server; "" is the section prometheus.
	Rule   string `json:"rule"`
	Series string `json:"series"`
	Source string `json:"source,omitempty"`
	// Query is the PromQL of one request as prometheus-adapter would ask it.
	Query string `json:"query,omitempty"`
	// Common is the query that answers all such requests together. Without it NotMerged says why.
	Common    string `json:"commonQuery,omitempty"`
	NotMerged string `json:"notMerged,omitempty"`
	// SeveralRows says how one object can have several rows, and how to aggregate; empty where it cannot.
	SeveralRows string `json:"severalRows,omitempty"`
	// EvaluatedAt, Rows and Error are the last result of the common query.
	EvaluatedAt *time.Time `json:"evaluatedAt,omitempty"`
	Rows        int        `json:"rows"`
	Error       string     `json:"error,omitempty"`
	// HPAs are the HPAs that ask for the metric.
	HPAs []string `json:"hpas,omitempty"`
}

// NoExplanation is the result where no metric matches.
type NoExplanation struct {
	// CannotTell says why nobody knows whether the metric exists; empty where it certainly does not.
	CannotTell string `json:"cannotTell,omitempty"`
	// Instead has the result of each rule, and metrics of similar names.
	Instead []string `json:"instead,omitempty"`
}

// Explain says how the metrics of the request are answered. If there is none, the second result says what exists
// instead.
func (a *Adapter) Explain(ctx context.Context, q ExplainRequest) ([]Explanation, NoExplanation) {
	p := a.plan.Load()
	if p == nil {
		return nil, NoExplanation{CannotTell: "the first discovery of series is not done yet"}
	}
	resource, name, qualified := strings.Cut(q.Metric, "/")
	if !qualified {
		resource, name = "", q.Metric
	}
	var out []Explanation
	for _, m := range p.catalog.Metrics {
		if m.Name == name && (resource == "" || m.Resource.String() == resource) {
			source, _ := p.catalog.Metric(m)
			kind, _ := p.kinds.Kind(m.Resource)
			asked := question{source: source, objects: rules.Objects{Kind: kind}, one: q.Name != "", selector: q.Selector}
			if kind.Namespaced {
				asked.objects.Namespace = q.Namespace
			}
			out = append(out, a.explain(ctx, p, m.Resource.String()+"/"+m.Name, asked, q.Name))
		}
	}
	if source, ok := p.catalog.External(name); ok && (resource == "" || resource == "external") {
		asked := question{source: source, objects: rules.Objects{Namespace: q.Namespace}, selector: q.Selector}
		out = append(out, a.explain(ctx, p, "external/"+name, asked, ""))
	}
	if len(out) > 0 {
		return out, NoExplanation{}
	}
	return nil, p.whyNot(name)
}

func (a *Adapter) explain(ctx context.Context, p *plan, metric string, q question, name string) Explanation {
	e := Explanation{Metric: metric, Rule: q.source.Rule(), Series: q.source.Series, Source: q.source.Server()}
	q.objects.Names = []string{"NAME"}
	if name != "" {
		q.objects.Names[0] = name
	}
	if q.objects.Namespace == "" && (q.external() || q.objects.Kind.Namespaced) {
		q.objects.Namespace = "NAMESPACE"
	}
	if query, err := q.query(); err != nil {
		e.Error = text.Line(err.Error())
	} else {
		e.Query, e.SeveralRows = query.PromQL, query.SeveralRows()
	}
	e.HPAs = a.hpasOf(ctx, p, q)
	if p.cfg.Compat {
		e.NotMerged = "compat: true asks each request as it is written"
		return e
	}
	family, _, err := p.familyOf(q)
	if err != nil {
		e.NotMerged = text.Line(err.Error())
		return e
	}
	merged, why := family.merged(a.deps.Now())
	if why != nil {
		e.NotMerged = text.Line(why.Error())
	}
	if !merged {
		return e
	}
	e.Common, _ = family.query()
	if last, ok, err := family.cell.Last(); ok {
		e.EvaluatedAt = &last.At
		if err != nil {
			e.Error = text.Line(err.Error())
		} else {
			e.Rows, e.Common = last.Value.rows, last.Value.query
		}
	}
	return e
}

// hpasOf are the HPAs that ask a source for objects of a kind, sorted.
func (a *Adapter) hpasOf(ctx context.Context, p *plan, asked question) []string {
	hpas, err := a.cluster.HPAs(ctx)
	if err != nil {
		return nil
	}
	var out []string
	for _, hpa := range hpas {
		for _, one := range announcements(hpa, p.kinds) {
			for _, q := range p.questions(one) {
				if q.source.Rule() == asked.source.Rule() && q.source.Series == asked.source.Series && q.objects.Kind == asked.objects.Kind {
					out = append(out, one.hpa)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// whyNot says what exists instead of a metric.
func (p *plan) whyNot(name string) NoExplanation {
	var none NoExplanation
	if unread := slices.Concat(p.missing, p.outdated); len(unread) > 0 {
		none.CannotTell = fmt.Sprintf("discovery is not complete: %v", unread[0])
	}
	var out []string
	for _, err := range p.missing {
		out = append(out, text.Line("not known yet: "+err.Error()))
	}
	for _, err := range p.outdated {
		out = append(out, text.Line("as known before: "+err.Error()))
	}
	for _, err := range p.refused {
		out = append(out, text.Line("refused: "+err.Error()))
	}
	var similar []string
	like := func(other string) bool {
		a, b := strings.ToLower(name), strings.ToLower(other)
		return strings.Contains(a, b) || strings.Contains(b, a)
	}
	for _, m := range p.listed.custom {
		if like(m.Name) {
			similar = append(similar, m.Resource.String()+"/"+m.Name)
		}
	}
	for _, external := range p.listed.external {
		if like(external) {
			similar = append(similar, "external/"+external)
		}
	}
	if len(similar) > 0 {
		out = append(out, "metrics of similar names: "+strings.Join(similar[:min(len(similar), 10)], ", "))
	}
	for _, v := range p.catalog.Verdicts {
		out = append(out, fmt.Sprint(v))
	}
	none.Instead = out
	return none
}

// Planned is how the queries of one rule are sent, for each metric that it exposes.
type Planned struct {
	Metric    string `json:"metric"`
	Rule      string `json:"rule"`
	Common    string `json:"commonQuery,omitempty"`
	NotMerged string `json:"notMerged,omitempty"`
	// SeveralRows is as in Explanation.
	SeveralRows string `json:"severalRows,omitempty"`
}

// Plan lists the query that answers all requests without a metric selector, for each metric and for the usage of pods
// and nodes. Where requests cannot be merged it says why.
func (a *Adapter) Plan(ctx context.Context) []Planned {
	p := a.plan.Load()
	if p == nil {
		return nil
	}
	var out []Planned
	for _, m := range p.catalog.Metrics {
		source, _ := p.catalog.Metric(m)
		kind, _ := p.kinds.Kind(m.Resource)
		e := a.explain(ctx, p, m.Resource.String()+"/"+m.Name, question{source: source, objects: rules.Objects{Kind: kind}, selector: labels.Everything()}, "")
		out = append(out, Planned{e.Metric, e.Rule, e.Common, e.NotMerged, e.SeveralRows})
	}
	for _, name := range p.catalog.Externals {
		source, _ := p.catalog.External(name)
		e := a.explain(ctx, p, "external/"+name, question{source: source, selector: labels.Everything()}, "")
		out = append(out, Planned{e.Metric, e.Rule, e.Common, e.NotMerged, e.SeveralRows})
	}
	for _, plural := range []string{"pods", "nodes"} {
		kind, _ := p.kinds.Kind(schema.GroupResource{Resource: plural})
		for _, q := range p.usageQuestions(question{objects: rules.Objects{Kind: kind}, selector: labels.Everything()}, plural == "pods") {
			e := a.explain(ctx, p, "usage of "+plural, q, "")
			out = append(out, Planned{e.Metric, e.Rule, e.Common, e.NotMerged, e.SeveralRows})
		}
	}
	return out
}
