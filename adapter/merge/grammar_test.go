package merge_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/trimtab/trimtab/adapter/merge"
)

// grammar writes random queries. Most can be merged, and many must not be.
type grammar struct {
	*rand.Rand
	dims []merge.Dimension
	// wild is how many choices in a thousand are deliberately odd.
	wild int
}

func (g grammar) odd() bool { return g.IntN(1000) < g.wild }

// odder is twice as likely.
func (g grammar) odder() bool { return g.IntN(1000) < 2*g.wild }

func (g grammar) pick(choices ...string) string { return choices[g.IntN(len(choices))] }

// labels is a list for by() and its kin.
func (g grammar) labels() string {
	var out []string
	for _, l := range []string{"namespace", "pod", "job"} {
		if g.IntN(2) == 0 {
			out = append(out, l)
		}
	}
	for _, d := range g.dims {
		if d.Several && !strings.Contains(strings.Join(out, ","), d.Label) && g.IntN(6) > 0 {
			out = append(out, d.Label)
		}
	}
	if g.IntN(8) == 0 {
		out = append(out, g.pick("le", "__name__", "version"))
	}
	return strings.Join(out, ", ")
}

// others is a list for ignoring() and without().
func (g grammar) others() string {
	var out []string
	for _, l := range []string{"namespace", "pod", "job", "le", "version"} {
		several := false
		for _, d := range g.dims {
			several = several || d.Several && d.Label == l
		}
		if g.IntN(3) == 0 && (!several || g.IntN(6) == 0) {
			out = append(out, l)
		}
	}
	return strings.Join(out, ", ")
}

func (g grammar) selector(name string) string {
	var matchers []string
	for _, d := range g.dims {
		if !g.odd() {
			matchers = append(matchers, fmt.Sprintf("%s=%q", d.Label, d.Sentinel))
		}
		if g.IntN(12) == 0 {
			matchers = append(matchers, d.Label+g.pick(`!=""`, `!="a"`, `=~"a|p-1.*"`, `!~"p-10|a.b"`))
		}
		if g.odd() {
			matchers = append(matchers, g.pick("namespace", "pod", "job")+fmt.Sprintf("%s%q", g.pick("!=", "=~", "="), d.Sentinel))
		}
	}
	if g.IntN(3) == 0 {
		matchers = append(matchers, g.pick(`job="j1"`, `job!=""`, `job=~"j.*"`, `pod!=""`, `pod="p-1"`, `namespace="a"`))
	}
	g.Shuffle(len(matchers), func(i, j int) { matchers[i], matchers[j] = matchers[j], matchers[i] })
	if g.IntN(10) == 0 {
		matchers, name = append(matchers, `__name__=~"x|y|perpod|c_total"`), ""
	}
	return name + "{" + strings.Join(matchers, ",") + "}"
}

func (g grammar) modifier() string {
	switch g.IntN(12) {
	case 0:
		return " offset 5m"
	case 1:
		return " offset -1m"
	case 2:
		return " @ 1699999700"
	case 3:
		return " @ end()"
	}
	return ""
}

func (g grammar) ranged() string {
	if g.IntN(3) == 0 {
		return "(" + g.vector(1) + ")" + g.pick("[5m:1m]", "[2m:30s]", "[3m:]") + g.modifier()
	}
	return g.selector(g.pick("x", "y", "c_total", "d_total", "perpod", "nh")) + g.pick("[1m]", "[2m]", "[10m]") + g.modifier()
}

func (g grammar) number() string {
	switch g.IntN(10) {
	case 0:
		return "time()"
	case 1:
		return "(pi() - 1)"
	case 2:
		if g.odder() {
			return "scalar(" + g.vector(0) + ")"
		}
	}
	return g.pick("2", "-1", "0", "0.5", "1e3", "Inf", "0x10", "5m")
}

// vector is an expression of at most that depth.
func (g grammar) vector(depth int) string {
	if depth <= 0 {
		return g.selector(g.pick("x", "y", "c_total", "h_bucket", "info", "nh", "perpod", "perpod", "pernamespace")) + g.modifier()
	}
	switch n := g.IntN(20); {
	case n < 6:
		return g.aggregation(depth)
	case n < 11:
		return g.function(depth)
	case n < 15:
		return g.operator(depth)
	case n < 16:
		return "-" + g.vector(depth-1)
	case n < 17:
		return "(" + g.vector(depth-1) + ")" + g.pick("*", "+", "-", ">", "> bool", "^", "%", "<=", "atan2") + g.number()
	case n < 18:
		return g.number() + g.pick("*", "/", "==", "< bool") + "(" + g.vector(depth-1) + ")"
	}
	return g.selector(g.pick("x", "y", "c_total", "perpod"))
}

func (g grammar) aggregation(depth int) string {
	op := g.pick("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile")
	if g.odder() {
		op = g.pick("topk", "bottomk", "count_values", "limitk")
	}
	arg := g.vector(depth - 1)
	switch op {
	case "quantile":
		arg = g.number() + ", " + arg
	case "topk", "bottomk", "limitk":
		arg = "1, " + arg
	case "count_values":
		arg = `"job", ` + arg
	}
	switch g.IntN(5) {
	case 0:
		return fmt.Sprintf("%s without (%s) (%s)", op, g.others(), arg)
	case 1:
		return fmt.Sprintf("%s(%s) by (%s)", op, arg, g.labels())
	}
	return fmt.Sprintf("%s by (%s) (%s)", op, g.labels(), arg)
}

func (g grammar) function(depth int) string {
	if g.odd() {
		switch g.IntN(4) {
		case 0:
			return "absent(" + g.vector(depth-1) + ")"
		case 1:
			return "vector(" + g.number() + ")"
		case 2:
			return "absent_over_time(" + g.ranged() + ")"
		}
		return g.pick("hour()", "month()")
	}
	switch g.IntN(14) {
	case 0:
		return g.pick("clamp_max", "clamp_min", "round") + "(" + g.vector(depth-1) + ", " + g.number() + ")"
	case 1:
		return g.pick("histogram_quantile(0.9, ", "histogram_fraction(0, 1, ") + g.buckets(depth) + ")"
	case 2:
		return fmt.Sprintf(`label_replace(%s, "%s", "$1-x", "%s", "(.*)")`, g.vector(depth-1), g.target(), g.pick("pod", "namespace", "job", "version"))
	case 3:
		return fmt.Sprintf(`label_join(%s, "%s", "/", "%s", "%s")`, g.vector(depth-1), g.target(), g.pick("pod", "namespace"), g.pick("job", "le"))
	case 4, 5:
		f := g.pick("abs", "ceil", "floor", "sgn", "sort", "sort_desc", "timestamp", "hour", "histogram_count", "histogram_avg", "exp", "deg")
		return f + "(" + g.vector(depth-1) + ")"
	case 6:
		if g.IntN(2) == 0 {
			return "quantile_over_time(0.5, " + g.ranged() + ")"
		}
		return "predict_linear(" + g.ranged() + ", " + g.number() + ")"
	}
	f := g.pick("rate", "irate", "increase", "delta", "idelta", "deriv", "changes", "resets", "avg_over_time", "max_over_time", "min_over_time",
		"sum_over_time", "count_over_time", "last_over_time", "first_over_time", "present_over_time", "mad_over_time", "stddev_over_time")
	return f + "(" + g.ranged() + ")"
}

func (g grammar) target() string {
	if g.odd() {
		return g.pick("namespace", "pod")
	}
	return g.pick("job", "new", "le")
}

func (g grammar) buckets(depth int) string {
	raw := g.pick("rate("+g.selector("h_bucket")+"[5m])", g.selector("h_bucket"), g.selector("nh"))
	switch g.IntN(3) {
	case 0:
		return raw
	case 1:
		return g.vector(depth - 1)
	}
	labels := "le"
	if l := g.labels(); l != "" {
		labels += ", " + l
	}
	return "sum by (" + labels + ") (" + raw + ")"
}

func (g grammar) operator(depth int) string {
	l, r := g.operand(depth-1), g.operand(depth-1)
	op := g.pick("+", "-", "*", "/", "%", ">", "== bool", "and", "or", "or", "unless")
	set := op == "and" || op == "or" || op == "unless"
	match := ""
	switch g.IntN(4) {
	case 0, 1:
		match = " on (" + g.labels() + ")"
	case 2:
		match = " ignoring (" + g.others() + ")"
	}
	if match != "" && !set {
		match += g.pick("", "", " group_left ()", " group_right ()", " group_left (version)", " group_right (namespace)", " group_left (pod, job)")
	}
	return l + " " + op + match + " " + r
}

// operand is often one whose rows can be told apart by a few labels, so that sides match.
func (g grammar) operand(depth int) string {
	switch g.IntN(5) {
	case 0:
		return g.selector(g.pick("perpod", "pernamespace", "info"))
	case 1:
		return fmt.Sprintf("%s by (%s) (%s)", g.pick("sum", "max", "count"), g.labels(), g.selector(g.pick("x", "y", "perpod")))
	}
	return "(" + g.vector(depth) + ")"
}
