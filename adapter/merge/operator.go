package merge

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

func (p *proof) operator(b *parser.BinaryExpr) (rows, error) {
	l, err := p.rows(b.LHS)
	if err != nil {
		return rows{}, err
	}
	r, err := p.rows(b.RHS)
	if err != nil {
		return rows{}, err
	}
	switch left, right := b.LHS.Type() == parser.ValueTypeVector, b.RHS.Type() == parser.ValueTypeVector; {
	case left && right:
		return p.match(b, l, r)
	case left:
		return p.dropName(l), nil
	case right:
		return p.dropName(r), nil
	}
	return rows{}, nil
}

// match needs the dimensions among the compared labels, so that the rows of both sides are matched within each request.
// It adds the dimensions to on() and removes them from ignoring(). Both sides have them in the common query; in a
// request's own query they are constant. If they are compared already, both sides must have them or both must lack
// them. Otherwise the common query would match rows that a request's own query does not.
func (p *proof) match(b *parser.BinaryExpr, l, r rows) (rows, error) {
	m := b.VectorMatching
	if m.FillValues.LHS != nil || m.FillValues.RHS != nil {
		return rows{}, p.refuse(ModifierUnproven, b, "fill makes rows where there is no series, which is not proved")
	}
	listed, included := slices.Clone(m.MatchingLabels), slices.Clone(m.Include)
	for _, d := range p.dims {
		compared := slices.Contains(listed, d.Label) == m.On
		switch {
		case compared:
			if err := p.sidesAgree(b, d, l, r); err != nil {
				return rows{}, err
			}
		case d.Several:
			return rows{}, p.refuse(DimensionLost, b, "it matches its sides without %s, so it mixes what a request for several asks for; match on %[1]s too", d.Label)
		case m.On:
			m.MatchingLabels = append(m.MatchingLabels, d.Label)
			m.Include = without(m.Include, []string{d.Label})
		default:
			m.MatchingLabels = without(m.MatchingLabels, []string{d.Label})
		}
	}
	return p.matched(b, l, r, listed, included)
}

func (p *proof) sidesAgree(at *parser.BinaryExpr, d Dimension, l, r rows) error {
	left, right := slices.Contains(l.carried, d.Label), slices.Contains(r.carried, d.Label)
	if left == right {
		return nil
	}
	side, mend := "left", at.LHS
	if left {
		side, mend = "right", at.RHS
	}
	return p.refuse(SidesDiffer, mend, "the %s side of %q lacks the label %s that the other side has; add it to the by() of this side", side, at.Op.String(), d.Label)
}

// matched is the result of the operator. listed are the labels of on() or ignoring(), included the labels of
// group_left() or group_right(), as the user wrote them.
func (p *proof) matched(b *parser.BinaryExpr, l, r rows, listed, included []string) (rows, error) {
	m := b.VectorMatching
	switch b.Op {
	case parser.LAND, parser.LUNLESS:
		return l, nil
	case parser.LOR:
		for _, d := range p.dims {
			if err := p.sidesAgree(b, d, l, r); err != nil {
				return rows{}, err
			}
		}
		out := rows{carried: l.carried, labels: l.labels.add(r.labels)}
		if l.name != nameless || r.name != nameless {
			out.name = nameVaries
		}
		return out, nil
	}
	var out rows
	switch m.Card {
	case parser.CardManyToOne:
		out = p.manyToOne(m, l, r, included)
	case parser.CardOneToMany:
		out = p.manyToOne(m, r, l, included)
	default:
		out = p.oneToOne(m, l, r, listed)
	}
	switch {
	case m.On && slices.Contains(m.MatchingLabels, model.MetricNameLabel):
		out.name = nameVaries
	case !b.Op.IsComparisonOperator() || b.ReturnBool:
		out.name = nameless
	}
	return out, nil
}

func (p *proof) oneToOne(m *parser.VectorMatching, l, r rows, listed []string) rows {
	p.fragile = p.fragile || !uniqueIn(m, l) || !uniqueIn(m, r)
	if m.On {
		return rows{without(l.carried, without(l.carried, listed)), l.labels.keep(m.MatchingLabels), l.name}
	}
	return rows{without(l.carried, listed), l.labels.drop(m.MatchingLabels), l.name}
}

// manyToOne: rows keep the labels of the many side. The included labels come from the one side.
func (p *proof) manyToOne(m *parser.VectorMatching, many, one rows, included []string) rows {
	p.fragile = p.fragile || !uniqueIn(m, one) || many.name == nameVaries || many.labels.meets(without(m.Include, p.labels()))
	out := rows{labels: many.labels.add(bound{names: m.Include}), name: many.name}
	for _, l := range p.labels() {
		from := many
		if slices.Contains(included, l) {
			from = one
		}
		if slices.Contains(from.carried, l) {
			out.carried = append(out.carried, l)
		}
	}
	return out
}

// uniqueIn is true if no two rows of a side can have the same values of the compared labels.
func uniqueIn(m *parser.VectorMatching, side rows) bool {
	switch {
	case side.name == nameVaries:
		return false
	case m.On:
		return side.labels.within(m.MatchingLabels)
	}
	return !side.labels.meets(m.MatchingLabels)
}
