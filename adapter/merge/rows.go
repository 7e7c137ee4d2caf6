package merge

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// rows is what the proof knows of the rows of an expression. The invariant: in the common query each row has every
// dimension as a label, and was made only of series with the same values. In a request's own query the row is made of
// the same series, and may lack labels of dimensions that cannot be Several.
type rows struct {
	// carried are the dimension labels that the rows also have in a request's own query, sorted. Whether a label is
	// carried is the same for all rows.
	carried []string
	// labels bounds the labels by which rows of the common query can differ.
	labels bound
	name   nameState
}

// nameState says whether rows have the metric's name as a label.
type nameState int

const (
	// nameless rows have no name.
	nameless nameState = iota
	// nameFixed: all rows have the same name.
	nameFixed
	// nameVaries: rows may differ only in their name, so dropping the name is not safe.
	nameVaries
)

// rows proves an expression. Numbers have the zero value. The error is a *Refusal.
func (p *proof) rows(e parser.Expr) (rows, error) {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return p.selector(e)
	case *parser.MatrixSelector:
		return p.rangeSelector(e)
	case *parser.SubqueryExpr:
		return p.subquery(e)
	case *parser.AggregateExpr:
		return p.aggregation(e)
	case *parser.Call:
		return p.call(e)
	case *parser.BinaryExpr:
		return p.operator(e)
	case *parser.UnaryExpr:
		out, err := p.rows(e.Expr)
		return p.dropName(out), err
	case *parser.ParenExpr:
		return p.rows(e.Expr)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return rows{}, nil
	}
	return rows{}, p.refuse(FunctionUnproven, e, "this kind of expression is not known")
}

// dropName is the rows after the name is dropped. Rows that are equal then make the query fail.
func (p *proof) dropName(r rows) rows {
	p.fragile = p.fragile || r.name == nameVaries
	r.name = nameless
	return r
}

// bound is the set of labels that rows may have: some of names, or any label.
type bound struct {
	any   bool
	names []string
}

func (b bound) within(labels []string) bool {
	return !b.any && len(without(b.names, labels)) == 0
}

// meets is true if a row may have one of the labels.
func (b bound) meets(labels []string) bool {
	return len(labels) > 0 && (b.any || len(without(labels, b.names)) < len(labels))
}

func (b bound) keep(labels []string) bound {
	if b.any {
		return bound{names: slices.Clone(labels)}
	}
	return bound{names: without(b.names, without(b.names, labels))}
}

func (b bound) drop(labels []string) bound {
	return bound{b.any, without(b.names, labels)}
}

func (b bound) add(other bound) bound {
	return bound{b.any || other.any, slices.Concat(b.names, other.names)}
}

// without returns the labels that are not among the others, in their order.
func without(labels, others []string) []string {
	var out []string
	for _, l := range labels {
		if !slices.Contains(others, l) {
			out = append(out, l)
		}
	}
	return out
}
