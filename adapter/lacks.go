package adapter

import (
	"fmt"

	"github.com/trimtab/trimtab/internal/verdict"
)

// lacks collects what to report about the objects of one request that have no row, no usable row, or several. It names
// the first object of each case.
type lacks struct {
	// dropped is a row that was left out because its value is no quantity. unusable is the object's name.
	dropped  *row
	unusable string
	// rowless is an object without a row, and why.
	rowless, why string
	// ambiguous counts the objects with several rows. several is one of them, and rows is its number of rows.
	ambiguous, rows int
	several         string
}

// without notes an object that is left out of an answer.
func (l *lacks) without(name string, found found) {
	rows := found.rows(name)
	if len(rows) == 0 {
		if l.rowless == "" {
			l.rowless, l.why = name, found.noRow(name)
		}
		return
	}
	for i := range rows {
		if rows[i].unusable && l.dropped == nil {
			l.dropped, l.unusable = &rows[i], name
		}
	}
}

// amongRows notes an object if it has several rows that the extra label does not distinguish.
func (l *lacks) amongRows(name string, rows []row) {
	for i := 1; i < len(rows); i++ {
		if rows[i].extra == rows[i-1].extra {
			if l.ambiguous++; l.ambiguous == 1 {
				l.several, l.rows = name, len(rows)
			}
			return
		}
	}
}

func (l *lacks) tell(facts []verdict.Fact) []verdict.Fact {
	if l.dropped != nil {
		facts = append(facts, verdict.Text("left out", fmt.Sprintf("%s: its value is %s", l.unusable, l.dropped.what())))
	}
	if l.rowless != "" {
		facts = append(facts, verdict.Text("no row for", l.rowless+": "+l.why))
	}
	if l.ambiguous > 0 {
		facts = append(facts, verdict.Number("objects with several rows", l.ambiguous), verdict.Text("for example", fmt.Sprintf("%s has %d", l.several, l.rows)))
	}
	return facts
}
