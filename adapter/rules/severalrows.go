package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// severalRows says that several rows can belong to one object, since they differ in other labels than by, and how to
// aggregate them. It is empty where they cannot.
func severalRows(e parser.Expr, by []string) string {
	e = withoutDefault(e)
	apart := rowsOf(e).apart.drop(by)
	if apart.empty() {
		return ""
	}
	each := "gives an object that has several series a row for each"
	if !apart.others {
		slices.Sort(apart.names)
		each = "gives an object a row for each value of " + strings.Join(slices.Compact(apart.names), ", ")
	}
	return each + ", of which only one is served; " + aggregated(e)
}

// aggregated is the query written so that an object has one row.
func aggregated(e parser.Expr) string {
	switch e := e.(type) {
	case *parser.Call:
		if e.Func.Name == "histogram_quantile" {
			return fmt.Sprintf("sum the buckets, as in histogram_quantile(%s, sum(...) by (<<.GroupBy>>, le))", e.Args[0])
		}
	case *parser.BinaryExpr:
		if m := e.VectorMatching; m != nil && e.Op != parser.LAND && e.Op != parser.LUNLESS {
			return fmt.Sprintf("aggregate both sides, as in sum(...) by (<<.GroupBy>>) %s sum(...) by (<<.GroupBy>>)", e.Op)
		}
	}
	return "aggregate, as in sum(...) by (<<.GroupBy>>)"
}

// withoutDefault is a query without the parentheses around it, and without an "or vector(0)" at its end, since a row
// without labels belongs to no object.
func withoutDefault(e parser.Expr) parser.Expr {
	for {
		switch x := e.(type) {
		case *parser.ParenExpr:
			e = x.Expr
			continue
		case *parser.BinaryExpr:
			if x.Op == parser.LOR && rowsOf(x.RHS).labels.empty() {
				e = x.LHS
				continue
			}
		}
		return e
	}
}
