package merge

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// aggregation needs the dimensions among its grouping labels, so that each group belongs to one request. Within one
// request the dimensions are constant, so they split no group.
func (p *proof) aggregation(a *parser.AggregateExpr) (rows, error) {
	switch a.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.COUNT, parser.GROUP, parser.STDDEV, parser.STDVAR, parser.QUANTILE:
	default:
		return rows{}, p.refuse(SeriesRanked, a, "%s does not make one value of each group; which series it picks, or which labels it makes, is not fixed by the group alone", a.Op)
	}
	if a.Param != nil {
		if _, err := p.rows(a.Param); err != nil {
			return rows{}, err
		}
	}
	in, err := p.rows(a.Expr)
	if err != nil {
		return rows{}, err
	}
	if a.Without {
		return p.aggregateWithout(a, in)
	}
	return p.aggregateBy(a, in)
}

func (p *proof) aggregateBy(a *parser.AggregateExpr, in rows) (rows, error) {
	listed := slices.Clone(a.Grouping)
	for _, d := range p.dims {
		switch {
		case slices.Contains(listed, d.Label):
		case d.Several:
			return rows{}, p.refuse(DimensionLost, a, "it does not group by %s, so it takes together what a request for several asks for; add %[1]s to its by()", d.Label)
		default:
			a.Grouping = append(a.Grouping, d.Label)
		}
	}
	out := rows{carried: without(in.carried, without(in.carried, listed)), labels: in.labels.keep(a.Grouping)}
	if slices.Contains(listed, model.MetricNameLabel) {
		out.name = in.name
	}
	return out, nil
}

func (p *proof) aggregateWithout(a *parser.AggregateExpr, in rows) (rows, error) {
	for _, d := range p.dims {
		if d.Several && slices.Contains(a.Grouping, d.Label) {
			return rows{}, p.refuse(DimensionLost, a, "it groups without %s, so it takes together what a request for several asks for; take %[1]s out of its without()", d.Label)
		}
	}
	out := rows{carried: without(in.carried, a.Grouping)}
	a.Grouping = without(a.Grouping, p.labels())
	out.labels = in.labels.drop(a.Grouping)
	return out, nil
}
