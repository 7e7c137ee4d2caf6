package rules

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// keeps tells whether samples of a query's result can have a label. It is true in doubt.
func keeps(e parser.Expr, label string) bool {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return keeps(e.Expr, label)
	case *parser.UnaryExpr:
		return keeps(e.Expr, label)
	case *parser.SubqueryExpr:
		return keeps(e.Expr, label)
	case *parser.AggregateExpr:
		return aggregateKeeps(e, label)
	case *parser.BinaryExpr:
		return binaryKeeps(e, label)
	case *parser.Call:
		return callKeeps(e, label)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return false
	default:
		return true // a selector has what its series have
	}
}

func aggregateKeeps(e *parser.AggregateExpr, label string) bool {
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return keeps(e.Expr, label) // they pick samples as they are
	case parser.COUNT_VALUES:
		if isString(e.Param, label) {
			return true
		}
	}
	return slices.Contains(e.Grouping, label) != e.Without && keeps(e.Expr, label)
}

func callKeeps(e *parser.Call, label string) bool {
	switch e.Func.Name {
	case "label_replace", "label_join":
		if len(e.Args) > 1 && isString(e.Args[1], label) {
			return true
		}
	case "absent", "absent_over_time":
		return true // from the matchers
	}
	for _, arg := range e.Args {
		if isVector(arg) && keeps(arg, label) {
			return true
		}
	}
	return false
}

func binaryKeeps(e *parser.BinaryExpr, label string) bool {
	left, right := isVector(e.LHS) && keeps(e.LHS, label), isVector(e.RHS) && keeps(e.RHS, label)
	m := e.VectorMatching
	switch {
	case m == nil || !isVector(e.LHS) || !isVector(e.RHS), e.Op == parser.LOR:
		return left || right
	case e.Op == parser.LAND, e.Op == parser.LUNLESS:
		return left
	case m.Card == parser.CardManyToOne:
		return grouped(m, label, left, right)
	case m.Card == parser.CardOneToMany:
		return grouped(m, label, right, left)
	default:
		return left && slices.Contains(m.MatchingLabels, label) == m.On
	}
}

// grouped: the result has the labels of the many, but those of include from the one.
func grouped(m *parser.VectorMatching, label string, many, one bool) bool {
	if slices.Contains(m.Include, label) {
		return one
	}
	return many
}

func isVector(e parser.Expr) bool {
	t := e.Type()
	return t == parser.ValueTypeVector || t == parser.ValueTypeMatrix
}

func isString(e parser.Expr, text string) bool {
	for {
		paren, ok := e.(*parser.ParenExpr)
		if !ok {
			break
		}
		e = paren.Expr
	}
	s, ok := e.(*parser.StringLiteral)
	return ok && s.Val == text
}
