package merge

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Dimension is a label matcher in which the requests differ.
type Dimension struct {
	// Label is the label that the matcher compares. Labels that begin with two underscores are refused.
	Label string
	// Sentinel is the value of the matcher in the text given to Prove. It must be printable, without quotes or
	// backslashes, and occur nowhere else, not even within another sentinel. A Refusal shows it; "<namespace>" reads
	// well.
	Sentinel string
	// Several allows a request to ask for several values at once, as label=~"a|b" instead of label="a". The proof is
	// stricter: the query itself must keep the values apart everywhere.
	Several bool
}

// Prove decides whether one common query is the same as sending the query once for each value of the dimensions. The
// text is PromQL that has each dimension as the matcher label="sentinel". The values of requests must not be empty. The
// error is a *Refusal.
//
// Without dimensions it proves that the query depends only on series.
func Prove(text string, dims []Dimension) (*Form, error) {
	p := &proof{text: text, dims: slices.Clone(dims)}
	slices.SortFunc(p.dims, func(a, b Dimension) int { return strings.Compare(a.Label, b.Label) })
	if err := p.checkDimensions(); err != nil {
		return nil, err
	}
	if why := tooLong(text); why != "" {
		return nil, refusal(QueryTooLong, text, why)
	}
	expr, err := parse(text)
	if err != nil {
		return nil, refusal(NotPromQL, text, err.Error())
	}
	if t := expr.Type(); t != parser.ValueTypeVector {
		return nil, p.refuse(NotVector, expr, "its result is a %s, and only the rows of an instant vector can be told apart", parser.DocumentedType(t))
	}
	window, at := longestRange(expr), timestamps(expr, p.labels())
	result, err := p.rows(expr)
	if err != nil {
		return nil, err
	}
	f := &Form{dims: p.dims, added: without(p.labels(), result.carried), fragile: p.fragile, window: window, sorted: sorts(expr)}
	f.unique = result.labels.within(p.labels())
	if err := p.write(f, expr); err != nil {
		return nil, err
	}
	f.writeTimestamps(at)
	return f, nil
}

// proof is one run of Prove. It changes the syntax tree into the tree of the common query.
type proof struct {
	text string
	// dims are sorted by label.
	dims []Dimension
	// matchers counts the matchers of each dimension.
	matchers []int
	// fragile becomes true at the first operation that some series can make fail.
	fragile bool
}

func (p *proof) labels() []string {
	out := make([]string, len(p.dims))
	for i, d := range p.dims {
		out[i] = d.Label
	}
	return out
}

func (p *proof) checkDimensions() error {
	p.matchers = make([]int, len(p.dims))
	for i, d := range p.dims {
		switch {
		case d.Label == "" || strings.HasPrefix(d.Label, "__"):
			return refusal(DimensionUnusable, d.Label, "Prometheus treats this label in its own way, so that requests cannot be told apart by it")
		case d.Sentinel == "" || strconv.Quote(d.Sentinel) != `"`+d.Sentinel+`"`:
			return refusal(DimensionUnusable, d.Label, "the sentinel "+strconv.Quote(d.Sentinel)+" would not stand in a query as it is; use printable characters without quotes")
		}
		for _, other := range p.dims[:i] {
			if d.Label == other.Label || strings.Contains(d.Sentinel, other.Sentinel) || strings.Contains(other.Sentinel, d.Sentinel) {
				return refusal(DimensionUnusable, d.Label, "it cannot be told from the dimension "+strconv.Quote(other.Label)+"; give each a label and a sentinel of its own")
			}
		}
	}
	return nil
}

// write puts the common query into the form. It checks that the written text parses to what was proved, and that the
// sentinels are exactly where they were found.
func (p *proof) write(f *Form, expr parser.Expr) error {
	text := expr.String()
	for i, d := range p.dims {
		if n := p.matchers[i]; strings.Count(p.text, d.Sentinel) != n || strings.Count(text, d.Sentinel) != n {
			return refusal(DimensionElsewhere, p.text, "the value of "+d.Label+" stands in it other than as a matcher of that label, so requests differ in more than the series they read")
		}
	}
	again, err := parse(text)
	if err != nil || again.String() != text || !slices.Equal(figures(again), figures(expr)) {
		return refusal(QueryUnwritable, text, "it would be read differently")
	}
	f.query = newBlanks(text, p.dims)
	return nil
}

// figures are the numbers and times of an expression, in their order, at the precision of its evaluation.
func figures(expr parser.Expr) []string {
	var out []string
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.NumberLiteral:
			out = append(out, strconv.FormatFloat(n.Val, 'g', -1, 64))
		case *parser.MatrixSelector:
			out = append(out, n.Range.Truncate(time.Millisecond).String())
		case *parser.SubqueryExpr:
			out = append(out, n.Range.Truncate(time.Millisecond).String(), n.Step.Truncate(time.Millisecond).String())
		}
		return nil
	})
	return out
}
