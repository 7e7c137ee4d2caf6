package merge

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// selector needs each dimension matched with its sentinel. Other matchers of the same label are allowed: they choose
// among the series of one value as they choose among the series of all values.
func (p *proof) selector(s *parser.VectorSelector) (rows, error) {
	switch {
	case s.Anchored || s.Smoothed:
		return rows{}, p.refuse(ModifierUnproven, s, "anchored and smoothed are not proved to keep requests apart; leave them out")
	case s.OriginalOffsetExpr != nil:
		return rows{}, p.refuse(ModifierUnproven, s, "a computed offset is not proved; write a fixed one such as offset 5m")
	}
	for i, d := range p.dims {
		n := 0
		for _, m := range s.LabelMatchers {
			if m.Name == d.Label && m.Type == labels.MatchEqual && m.Value == d.Sentinel {
				n++
			}
		}
		if n == 0 {
			return rows{}, p.refuse(DimensionUnmatched, s, "it does not match %s, so it reads the same series whatever is asked for; give it all of <<.LabelMatchers>>", d.Label)
		}
		p.matchers[i] += n
	}
	return rows{carried: p.labels(), labels: bound{any: true}, name: nameOf(s)}, nil
}

func nameOf(s *parser.VectorSelector) nameState {
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return nameFixed
		}
	}
	return nameVaries
}

func (p *proof) rangeSelector(m *parser.MatrixSelector) (rows, error) {
	if m.RangeExpr != nil {
		return rows{}, p.refuse(ModifierUnproven, m, "a computed range is not proved; write a fixed one such as [5m]")
	}
	return p.rows(m.VectorSelector)
}

// subquery evaluates the same expression at several times. The proof holds for each.
func (p *proof) subquery(s *parser.SubqueryExpr) (rows, error) {
	if s.RangeExpr != nil || s.StepExpr != nil || s.OriginalOffsetExpr != nil {
		return rows{}, p.refuse(ModifierUnproven, s, "a computed range, step or offset is not proved; write a fixed one such as [5m:1m]")
	}
	return p.rows(s.Expr)
}
