package rules

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// labelSet is a set of label names: the names or, with others, all labels except the names.
type labelSet struct {
	names  []string
	others bool
}

func (s labelSet) has(label string) bool { return slices.Contains(s.names, label) != s.others }

func (s labelSet) empty() bool { return !s.others && len(s.names) == 0 }

// keep returns the labels of some that are in the set.
func (s labelSet) keep(some []string) labelSet {
	return labelSet{names: slices.DeleteFunc(slices.Clone(some), func(l string) bool { return !s.has(l) })}
}

func (s labelSet) drop(some []string) labelSet {
	if s.others {
		return labelSet{slices.Concat(s.names, some), true}
	}
	return labelSet{names: slices.DeleteFunc(slices.Clone(s.names), func(l string) bool { return slices.Contains(some, l) })}
}

func (s labelSet) add(t labelSet) labelSet {
	switch {
	case s.others && t.others:
		return labelSet{labelSet{names: s.names}.keep(t.names).names, true}
	case s.others:
		return labelSet{labelSet{names: s.names}.drop(t.names).names, true}
	case t.others:
		return t.add(s)
	default:
		return labelSet{names: slices.Concat(s.names, t.names)}
	}
}

// rowShape is what is known about the rows of a query's result.
type rowShape struct {
	// labels are the labels that rows can have. If this is uncertain, a label is included.
	labels labelSet
	// apart are labels that together distinguish all rows.
	apart labelSet
	// fixed are labels that have the same value in all rows, or are missing in all rows. The value is the matcher's.
	fixed map[string]string
}

// rowsWith is the shape of rows of which only this is known: no two have the same labels.
func rowsWith(s labelSet, fixed map[string]string) rowShape {
	return rowShape{s, s.drop(sortedKeys(fixed)), fixed}
}

func rowsOf(e parser.Expr) rowShape {
	if !isVector(e) {
		return rowShape{}
	}
	switch e := e.(type) {
	case *parser.ParenExpr:
		return rowsOf(e.Expr)
	case *parser.UnaryExpr:
		return rowsOf(e.Expr)
	case *parser.SubqueryExpr:
		return rowsOf(e.Expr)
	case *parser.MatrixSelector:
		return rowsOf(e.VectorSelector)
	case *parser.AggregateExpr:
		return aggregatedRows(e)
	case *parser.BinaryExpr:
		return matchedRows(e)
	case *parser.Call:
		return calledRows(e)
	case *parser.VectorSelector:
		return rowsWith(labelSet{others: true}, fixedBy(e))
	default:
		return rowsWith(labelSet{others: true}, nil)
	}
}

// fixedBy are the labels that a selector compares with one value.
func fixedBy(e *parser.VectorSelector) map[string]string {
	fixed := map[string]string{}
	for _, m := range e.LabelMatchers {
		if m.Type == labels.MatchEqual && m.Name != model.MetricNameLabel {
			fixed[m.Name] = m.Value
		}
	}
	return fixed
}

// grouped are rows with only these labels, or without these labels. There is one for each combination of values.
func (r rowShape) grouped(by []string, without bool) rowShape {
	out, kept := r.labels.keep(by), r.apart.drop(by).empty()
	if without {
		out, kept = r.labels.drop(by), r.apart.keep(by).empty()
	}
	if kept {
		return rowShape{out, r.apart, r.fixed}
	}
	return rowsWith(out, r.fixed)
}

// writing are the rows with more labels, whose values follow from the row. The overwritten labels may have
// distinguished rows.
func (r rowShape) writing(more labelSet, overwritten []string) rowShape {
	out, fixed := r.labels.drop(overwritten).add(more), maps.Clone(r.fixed)
	for _, label := range overwritten {
		delete(fixed, label)
	}
	if r.apart.keep(overwritten).empty() {
		return rowShape{out, r.apart, fixed}
	}
	return rowsWith(out, fixed)
}

// or are the rows of both shapes.
func (r rowShape) or(s rowShape) rowShape {
	fixed := maps.Clone(r.fixed)
	maps.DeleteFunc(fixed, func(label, value string) bool {
		other, ok := s.fixed[label]
		return !ok || other != value || r.labels.has(label) != s.labels.has(label)
	})
	return rowsWith(r.labels.add(s.labels), fixed)
}

func aggregatedRows(e *parser.AggregateExpr) rowShape {
	in := rowsOf(e.Expr)
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return in // they select rows without changing them
	case parser.COUNT_VALUES:
		written := []string{stringOf(e.Param)}
		out := in.grouped(e.Grouping, e.Without).writing(labelSet{names: written}, written)
		return rowsWith(out.labels, out.fixed)
	default:
		return in.grouped(e.Grouping, e.Without)
	}
}

func calledRows(e *parser.Call) rowShape {
	var in rowShape
	for _, arg := range slices.Backward(e.Args) { // the first vector is the one that others are joined to
		if isVector(arg) {
			in = rowsOf(arg)
		}
	}
	switch e.Func.Name {
	case "label_replace", "label_join":
		written := []string{stringOf(e.Args[1])}
		return in.writing(labelSet{names: written}, written)
	case "info":
		return rowShape{labels: labelSet{others: true}, apart: in.apart}
	case "histogram_quantile", "histogram_fraction":
		return in.grouped([]string{labels.BucketLabel}, true)
	case "absent", "absent_over_time":
		return rowShape{labels: labelSet{names: sortedKeys(in.fixed)}, fixed: in.fixed} // one row
	default:
		return in
	}
}

func matchedRows(e *parser.BinaryExpr) rowShape {
	left, right := rowsOf(e.LHS), rowsOf(e.RHS)
	m := e.VectorMatching
	if m != nil && (m.FillValues.LHS != nil || m.FillValues.RHS != nil) { // a row may come from one side alone
		left, right = left.or(right), right.or(left)
	}
	switch {
	case !isVector(e.LHS):
		return right
	case !isVector(e.RHS), e.Op == parser.LAND, e.Op == parser.LUNLESS:
		return left
	case e.Op == parser.LOR:
		return left.or(right)
	case m.Card == parser.CardManyToOne:
		return left.writing(right.labels.keep(m.Include), m.Include)
	case m.Card == parser.CardOneToMany:
		return right.writing(left.labels.keep(m.Include), m.Include)
	default:
		return left.grouped(m.MatchingLabels, !m.On)
	}
}

func isVector(e parser.Expr) bool {
	t := e.Type()
	return t == parser.ValueTypeVector || t == parser.ValueTypeMatrix
}

// stringOf is the value of a string argument.
func stringOf(e parser.Expr) string {
	for {
		switch x := e.(type) {
		case *parser.ParenExpr:
			e = x.Expr
			continue
		case *parser.StringLiteral:
			return x.Val
		}
		return ""
	}
}
