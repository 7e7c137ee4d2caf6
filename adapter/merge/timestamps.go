package merge

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Timestamps is Form.Timestamps for a query that is sent as written. It has a row for each combination of values of the
// labels in by. The text may be the query of any request.
func Timestamps(text string, by []string) (string, error) {
	expr, err := read(text)
	if err != nil {
		return "", err
	}
	return timestamps(expr, by).text()
}

// writeTimestamps puts the query for times into the form.
func (f *Form) writeTimestamps(w *stampWriter) {
	text, err := w.text()
	if err != nil {
		f.stampsErr = err
		return
	}
	f.stamps = newBlanks(text, f.dims)
}

// stampWriter collects the selectors of a query, before the proof changes its tree.
type stampWriter struct {
	by []string
	// each is the newest sample of each group, for every distinct selector and offset.
	each []parser.Expr
	err  error
}

func timestamps(expr parser.Expr, by []string) *stampWriter {
	w := &stampWriter{by: slices.Clone(by)}
	seen := map[string]bool{}
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		switch n := n.(type) {
		case *parser.Call:
			w.err = callHasTimes(n)
		case *parser.VectorSelector:
			var one parser.Expr
			if one, w.err = w.newest(n, path); w.err == nil && !seen[one.String()] {
				seen[one.String()] = true
				w.each = append(w.each, one)
			}
		}
		return w.err
	})
	if w.err == nil && len(w.each) == 0 {
		w.err = fmt.Errorf("%s reads no series, so its values have no time", oneLine(expr.String()))
	}
	return w
}

func callHasTimes(c *parser.Call) error {
	switch c.Func.Name {
	case "absent", "absent_over_time":
		return fmt.Errorf("%s tells that series are missing, and what is missing has no time", oneLine(c.String()))
	case "info":
		return fmt.Errorf("%s reads series that it does not name, so their times cannot be asked for", oneLine(c.String()))
	}
	return nil
}

// newest is the expression max by (by) (timestamp(selector)), with the offset added.
func (w *stampWriter) newest(s *parser.VectorSelector, path []parser.Node) (parser.Expr, error) {
	offset := s.OriginalOffset
	fixed := s.Timestamp != nil || s.StartOrEnd != 0
	computed := s.OriginalOffsetExpr != nil
	for _, n := range path {
		if q, ok := n.(*parser.SubqueryExpr); ok {
			offset += q.OriginalOffset
			fixed = fixed || q.Timestamp != nil || q.StartOrEnd != 0
			computed = computed || q.OriginalOffsetExpr != nil
		}
	}
	switch {
	case fixed:
		return nil, fmt.Errorf("%s is read at a time of its own by @, so that how late its samples are cannot be told", oneLine(s.String()))
	case computed:
		return nil, fmt.Errorf("%s is read with a computed offset; write a fixed one such as offset 5m", oneLine(s.String()))
	case nameOf(s) != nameFixed:
		return nil, fmt.Errorf("%s reads metrics of several names, whose times Prometheus does not tell together; name one metric", oneLine(s.String()))
	}
	now := &parser.VectorSelector{Name: s.Name, LabelMatchers: s.LabelMatchers, OriginalOffset: offset}
	stamp := &parser.Call{Func: parser.Functions["timestamp"], Args: parser.Expressions{now}}
	var out parser.Expr = &parser.AggregateExpr{Op: parser.MAX, Grouping: w.by, Expr: stamp}
	if offset != 0 {
		op := parser.ItemType(parser.ADD)
		if offset < 0 {
			op = parser.SUB
		}
		out = &parser.BinaryExpr{Op: op, LHS: out, RHS: &parser.NumberLiteral{Val: math.Abs(offset.Round(time.Millisecond).Seconds())}}
	}
	return out, nil
}

// text joins the selectors' times by the oldest of the newest. An extra label keeps equal rows of two selectors apart
// until then.
func (w *stampWriter) text() (string, error) {
	if w.err != nil {
		return "", w.err
	}
	if len(w.each) == 1 {
		return w.each[0].String(), nil
	}
	apart := "selector"
	for slices.Contains(w.by, apart) {
		apart += "_"
	}
	var all parser.Expr
	for i, one := range w.each {
		var args parser.Expressions
		for _, s := range []string{apart, strconv.Itoa(i), "", ""} {
			args = append(args, &parser.StringLiteral{Val: s})
		}
		one = &parser.Call{Func: parser.Functions["label_replace"], Args: append(parser.Expressions{one}, args...)}
		if all == nil {
			all = one
			continue
		}
		all = &parser.BinaryExpr{Op: parser.LOR, LHS: all, RHS: one, VectorMatching: &parser.VectorMatching{Card: parser.CardManyToMany}}
	}
	return (&parser.AggregateExpr{Op: parser.MIN, Grouping: w.by, Expr: all}).String(), nil
}
