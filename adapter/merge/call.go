package merge

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// call admits functions by name: functions of each single series, functions that group by labels other than dimensions,
// and relabelling functions, which have their own rule.
func (p *proof) call(c *parser.Call) (rows, error) {
	name := c.Func.Name
	switch {
	case relabels(name), groupsBuckets(name), actsOnEachSeries(name), isNumber(name):
	case strings.HasPrefix(name, "absent") || name == "vector":
		return rows{}, p.refuse(SeriesInvented, c, "%s makes a row where there is no series, and nothing tells for which request; leave it out and let trimtab answer what is missing", name)
	default:
		return rows{}, p.refuse(FunctionUnproven, c, "%s is not known to keep requests apart", name)
	}
	var in rows
	read := 0
	for _, arg := range c.Args {
		r, err := p.rows(arg)
		if err != nil {
			return rows{}, err
		}
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			in = r
			read++
		}
	}
	switch {
	case isNumber(name):
		return rows{}, nil
	case read == 0:
		return rows{}, p.refuse(SeriesInvented, c, "without an argument %s makes a row of no series, and nothing tells for which request", name)
	case relabels(name):
		return p.relabel(c, in)
	case groupsBuckets(name):
		return p.buckets(c, in)
	case keepsName(name):
		return in, nil
	}
	return p.dropName(in), nil
}

func isNumber(name string) bool { return name == "time" || name == "pi" }

// actsOnEachSeries is true if each row of the result is made from one series and numbers.
func actsOnEachSeries(name string) bool {
	switch name {
	case "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg", "exp", "floor", "ln", "log10", "log2",
		"rad", "round", "sgn", "sin", "sinh", "sqrt", "tan", "tanh", "clamp", "clamp_max", "clamp_min",
		"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year", "timestamp",
		"changes", "delta", "deriv", "idelta", "increase", "irate", "predict_linear", "rate", "resets",
		"avg_over_time", "count_over_time", "first_over_time", "last_over_time", "mad_over_time", "max_over_time", "min_over_time",
		"present_over_time", "quantile_over_time", "stddev_over_time", "stdvar_over_time", "sum_over_time",
		"ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time",
		"histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum",
		"sort", "sort_desc", "sort_by_label", "sort_by_label_desc":
		return true
	}
	return false
}

func keepsName(name string) bool {
	return strings.HasPrefix(name, "sort") || name == "first_over_time" || name == "last_over_time"
}

// groupsBuckets is true if each row is made from the series that have the same labels but le.
func groupsBuckets(name string) bool {
	return name == "histogram_quantile" || name == "histogram_fraction"
}

func (p *proof) buckets(c *parser.Call, in rows) (rows, error) {
	le := []string{labels.BucketLabel}
	if slices.Contains(p.labels(), labels.BucketLabel) {
		return rows{}, p.refuse(DimensionLost, c, "%s takes all values of le together, so requests cannot be told apart by it", c.Func.Name)
	}
	in.labels = in.labels.drop(le)
	return p.dropName(in), nil
}

func relabels(name string) bool { return name == "label_replace" || name == "label_join" }

// relabel needs a written label that is no dimension. The labels that it reads must exist in each request's own query.
func (p *proof) relabel(c *parser.Call, in rows) (rows, error) {
	target, sources := stringOf(c.Args[1]), c.Args[3:]
	if c.Func.Name == "label_replace" {
		sources = sources[:1]
	}
	if slices.Contains(p.labels(), target) {
		return rows{}, p.refuse(LabelWritten, c, "it writes %s, by which requests are told apart; write another label", target)
	}
	for _, s := range sources {
		if l := stringOf(s); slices.Contains(p.labels(), l) && !slices.Contains(in.carried, l) {
			return rows{}, p.refuse(LabelRead, c, "it reads %s, which its rows do not have; add %[1]s to the by() inside", l)
		}
	}
	// Rows may become equal if only the overwritten label distinguished them.
	p.fragile = p.fragile || target == model.MetricNameLabel || in.labels.meets([]string{target})
	if target == model.MetricNameLabel {
		in.name = nameVaries
	}
	in.labels = in.labels.add(bound{names: []string{target}})
	return in, nil
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
