package merge

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Window is Form.Window for a query that is sent as written. The error says that the text is not PromQL, or that its
// range is computed.
func Window(text string) (time.Duration, error) {
	expr, err := read(text)
	if err != nil {
		return 0, err
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		m, isRange := n.(*parser.MatrixSelector)
		s, isSubquery := n.(*parser.SubqueryExpr)
		if isRange && m.RangeExpr != nil || isSubquery && s.RangeExpr != nil {
			err = fmt.Errorf("the range of %s is computed; write a fixed one such as [5m]", oneLine(n.String()))
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return longestRange(expr), nil
}

// Sorted is Form.Sorted for a query that is sent as written; false for a text that is not PromQL.
func Sorted(text string) bool {
	expr, err := read(text)
	return err == nil && sorts(expr)
}

// sorts is true if sorting is the last step of a query.
func sorts(e parser.Expr) bool {
	for paren, ok := e.(*parser.ParenExpr); ok; paren, ok = e.(*parser.ParenExpr) {
		e = paren.Expr
	}
	call, ok := e.(*parser.Call)
	return ok && strings.HasPrefix(call.Func.Name, "sort")
}

// read parses a query that is sent as written. The error names the query.
func read(text string) (parser.Expr, error) {
	if why := tooLong(text); why != "" {
		return nil, fmt.Errorf("the query %s is too long: %s", oneLine(text), why)
	}
	expr, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the query %s is not PromQL: %s", oneLine(text), oneLine(err.Error()))
	}
	return expr, nil
}

func longestRange(expr parser.Expr) time.Duration {
	var longest time.Duration
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		if _, ok := n.(*parser.VectorSelector); !ok {
			return nil
		}
		var window time.Duration
		for _, outer := range path {
			switch o := outer.(type) {
			case *parser.MatrixSelector:
				window += o.Range
			case *parser.SubqueryExpr:
				window += o.Range
			}
		}
		longest = max(longest, window)
		return nil
	})
	return longest
}
