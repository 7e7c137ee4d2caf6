package adapter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/merge"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/verdict"
)

// question is the query of a request: for a metric of objects, or for an external metric.
type question struct {
	source rules.Source
	// objects have no kind for an external metric; their namespace is used.
	objects rules.Objects
	// one says that the request names a single object.
	one      bool
	selector labels.Selector
}

func (q question) external() bool { return q.objects.Kind.Resource == "" }

// query is the PromQL, exactly as prometheus-adapter would send it.
func (q question) query() (rules.Query, error) {
	if q.external() {
		return q.source.ExternalQuery(q.objects.Namespace, q.selector)
	}
	return q.source.Query(q.objects, q.selector)
}

// textMost bounds a query in a message, since a query may name a thousand pods.
const textMost = 1024

// text is the question's own query, for a message to the client. The common query would show what others ask.
func (q question) text() string {
	query, err := q.query()
	switch {
	case err != nil:
		return "what cannot be written: " + err.Error()
	case len(query.PromQL) > textMost:
		return strings.ToValidUTF8(query.PromQL[:textMost], "") + "..."
	default:
		return query.PromQL
	}
}

// found has the rows that answer a question.
type found struct {
	question question
	group    *group // nil without any
	// total is how many rows the question's own query gives. late is how many of them were left out for their age. Rows
	// of a common query for other questions do not count.
	total, late int
	// at is the time that the query was evaluated for.
	at     time.Time
	window time.Duration
	// label is the label that names the objects.
	label    string
	warnings []string
}

// noRow says why an object without a row has none.
func (f found) noRow(name string) string {
	switch {
	case f.late > 0:
		return fmt.Sprintf("of its %d rows %d are older than maxStaleness, and none of the others has the label %s=%q", f.total, f.late, f.label, name)
	case f.group != nil && len(f.group.names) == 1 && len(f.rows("")) > 0:
		return fmt.Sprintf("none of its %d rows has the label %s", f.total, f.label)
	default:
		return fmt.Sprintf("none of its %d rows has the label %s=%q", f.total, f.label, name)
	}
}

// rows are the rows of an object, sorted by the extra label.
func (f found) rows(name string) []row {
	if f.group == nil {
		return nil
	}
	span := f.group.names[name]
	return f.group.rows[span[0]:span[1]]
}

// row is the row of an object that is served; nil if it has none.
func (f found) row(name string) *row {
	rows := f.rows(name)
	if len(rows) == 0 {
		return nil
	}
	return &rows[len(rows)-1]
}

// answer answers a question: from the memory of a common query where the question can be merged with others, else
// by its own query.
func (r *request) answer(ctx context.Context, p *plan, q question) (found, *failure) {
	if !p.cfg.Compat {
		if answer, f, done := r.common(ctx, p, q); done {
			return answer, f
		}
	}
	return r.exact(ctx, p, q)
}

// common answers from the common query. done is false where there is none, or where the last evaluation does not cover
// the question. The next evaluation covers it.
func (r *request) common(ctx context.Context, p *plan, q question) (answer found, f *failure, done bool) {
	family, values, err := p.familyOf(q)
	if err != nil {
		return found{}, nil, false
	}
	name := ""
	if q.one {
		name = q.objects.Names[0]
	}
	now := r.adapter.deps.Now()
	family.demand.want(values, name, false, now)
	if ok, _ := family.merged(now); !ok {
		return found{}, nil, false
	}
	last, ok := family.cell.Peek() // most requests find the answer here, without a timer
	if !ok {
		waiting, cancel := context.WithTimeout(ctx, r.adapter.requestTimeout())
		defer cancel()
		last, err = family.cell.Get(waiting)
	}
	var refused *prom.Error
	switch {
	case err == nil && !last.Value.covers.takes(family.layout, values, q.objects.Names):
		return found{}, nil, false
	case err == nil:
		t := last.Value
		r.facts = append(r.facts, verdict.Text("from the common query", t.query))
		answer = found{
			question: q, group: t.groups[groupKey(values)], at: last.At, window: family.common.Window(),
			label: family.layout.object, warnings: t.warnings,
		}
		answer.total, answer.late = answer.group.count(append(slices.Clip(q.objects.Names), ""))
		return answer, nil, true
	case errors.As(err, &refused) && (refused.Kind == prom.BadQuery || refused.Kind == prom.TooLarge):
		return found{}, nil, false
	default:
		return found{}, r.askFailure(ctx, q, err), true
	}
}

// exact sends the query of this question alone, once for all concurrent callers of the same.
func (r *request) exact(ctx context.Context, p *plan, q question) (found, *failure) {
	ctx, cancel := context.WithTimeout(ctx, r.adapter.requestTimeout())
	defer cancel()
	query, err := q.query()
	if err != nil {
		return found{}, r.impossible(err)
	}
	r.facts = append(r.facts, verdict.Text("query", query.PromQL))
	tenant, server := p.tenant(q)
	var result prom.Result
	var at time.Time
	if p.cfg.Compat {
		at = r.adapter.deps.Now()
		result, err = r.adapter.askNow(ctx, server, tenant, query.PromQL, at)
	} else {
		last, asked := p.exact.of(server, tenant, query.PromQL).Get(ctx)
		result, at, err = last.Value, last.At, asked
	}
	if err != nil {
		return found{}, r.askFailure(ctx, q, err)
	}
	samples, f := r.samples(q, query, result)
	if f != nil {
		return found{}, f
	}
	shape := p.shape(q.source, query.PromQL)
	l := layout{object: query.Label, extra: query.ExtraLabel, keepLabels: query.Label == "", sorted: shape.sorted}
	times, oldest, f := r.exactTimes(ctx, server, q, query, l, at)
	if f != nil {
		return found{}, f
	}
	t := l.tabulate(samples, times, oldest)
	return found{
		question: q, group: t.groups[""], total: t.rows, late: t.late(), at: at, window: shape.window, label: query.Label, warnings: result.Warnings,
	}, nil
}

// samples returns the samples of an answer, if the API can use its type.
func (r *request) samples(q question, query rules.Query, result prom.Result) (model.Vector, *failure) {
	switch v := result.Value.(type) {
	case model.Vector:
		return v, nil
	case *model.Scalar:
		if q.external() {
			return model.Vector{{Value: v.Value, Timestamp: v.Timestamp}}, nil
		}
	}
	needed := "a vector is needed"
	if q.external() {
		needed = "a vector or a scalar is needed"
	}
	return nil, r.fail(rules.QueryRefused, api.Internal, "%s asked %s and got a %s; %s", r.source, query.PromQL, result.Value.Type(), needed)
}

// exactTimes asks for the timestamps of the samples, where the rule limits their age.
func (r *request) exactTimes(ctx context.Context, server Server, q question, query rules.Query, l layout, at time.Time) (map[string]time.Time, time.Time, *failure) {
	stale := q.source.MaxStaleness()
	if stale == 0 {
		return nil, time.Time{}, nil
	}
	text, err := merge.Timestamps(query.PromQL, query.GroupBy)
	if err != nil {
		return nil, time.Time{}, r.fail(rules.QueryImpossible, api.Internal, "maxStaleness of %s: %v", r.source, err)
	}
	times, err := l.times(ctx, server, text, at)
	if err != nil {
		return nil, time.Time{}, r.askFailure(ctx, q, err)
	}
	return times, at.Add(-stale), nil
}

// tenant is the server for a question, and a key that distinguishes the server and its tenant from others.
func (p *plan) tenant(q question) (string, Server) {
	name := q.source.Server()
	server := p.servers[name]
	return name + "\xff" + server.Tenant(q.objects.Namespace), server.ForNamespace(q.objects.Namespace)
}

// familyOf is the family of a question, and its values of the family's dimensions, without the object's. The error says
// why it has no family: the question cannot be written, or there are too many families.
func (p *plan) familyOf(q question) (*family, []string, error) {
	key, values, err := q.key()
	if err != nil {
		return nil, nil, err
	}
	tenant, server := p.tenant(q)
	f, err := p.families.of(tenant+key, q.objects.Namespace, func() *family {
		form, err := q.form()
		if err != nil {
			return &family{source: q.source, why: err, grid: p.grid}
		}
		return newFamily(q.source, form, server, p.grid)
	})
	return f, values, err
}

func (q question) key() (string, []string, error) {
	if q.external() {
		return q.source.ExternalFormKey(q.objects.Namespace, q.selector)
	}
	return q.source.FormKey(q.objects, q.selector)
}

func (q question) form() (rules.Form, error) {
	if q.external() {
		return q.source.ExternalForm(q.objects.Namespace, q.selector)
	}
	return q.source.Form(q.objects, q.selector)
}
