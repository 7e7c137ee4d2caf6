package merge

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/trimtab/trimtab/internal/verdict"
)

// The rules of the proof. Each is named after the query that breaks it.
const (
	// DimensionUnusable: the dimensions cannot be used in a proof.
	DimensionUnusable verdict.Code = "DimensionUnusable"
	// QueryTooLong: the text is longer than the proof's limit.
	QueryTooLong verdict.Code = "QueryTooLong"
	// NotPromQL: the text does not parse.
	NotPromQL verdict.Code = "NotPromQL"
	// NotVector: the result is a number, a string or a range.
	NotVector verdict.Code = "NotVector"
	// DimensionUnmatched: a selector reads the series of all values of a dimension.
	DimensionUnmatched verdict.Code = "DimensionUnmatched"
	// DimensionElsewhere: the value of a dimension is in the query outside its matcher.
	DimensionElsewhere verdict.Code = "DimensionElsewhere"
	// DimensionLost: a request for several values would mix them.
	DimensionLost verdict.Code = "DimensionLost"
	// SeriesRanked: an aggregation selects among series, or makes labels from values.
	SeriesRanked verdict.Code = "SeriesRanked"
	// SeriesInvented: a row comes from no series.
	SeriesInvented verdict.Code = "SeriesInvented"
	// FunctionUnproven: a function is not known to keep requests apart.
	FunctionUnproven verdict.Code = "FunctionUnproven"
	// ModifierUnproven: a modifier is not known to keep requests apart.
	ModifierUnproven verdict.Code = "ModifierUnproven"
	// LabelWritten: a function writes the label of a dimension.
	LabelWritten verdict.Code = "LabelWritten"
	// LabelRead: a function reads the label of a dimension, which exists only in the common query.
	LabelRead verdict.Code = "LabelRead"
	// SidesDiffer: one side of an operator has the label of a dimension, and the other has not.
	SidesDiffer verdict.Code = "SidesDiffer"
	// QueryUnwritable: the text of the common query would not parse to what was proved.
	QueryUnwritable verdict.Code = "QueryUnwritable"
)

// Codes documents every code of a Refusal.
func Codes() []verdict.CodeDoc {
	return []verdict.CodeDoc{
		{Code: DimensionUnusable, Meaning: "the labels that differ between requests are not fit for a proof"},
		{Code: QueryTooLong, Meaning: "the query is longer than a proof reads, so each request is asked as written"},
		{Code: NotPromQL, Meaning: "the query is not PromQL as Prometheus reads it, so each request is asked as written"},
		{Code: NotVector, Meaning: "the query's result has no labels by which requests could be told apart"},
		{Code: DimensionUnmatched, Meaning: "a selector of the query reads the same series for each request, so the matchers of the request do not tell whose they are"},
		{Code: DimensionElsewhere, Meaning: "the value of a request's matcher stands in the query elsewhere too, so queries differ in more than matchers"},
		{Code: DimensionLost, Meaning: "the query leaves a request's label out where it groups or matches, so the objects of one request are taken together"},
		{Code: SeriesRanked, Meaning: "an aggregation of the query picks among series or makes labels from values"},
		{Code: SeriesInvented, Meaning: "the query makes a row where there is no series, and nobody could tell for which request"},
		{Code: FunctionUnproven, Meaning: "a function of the query is not known to keep requests apart"},
		{Code: ModifierUnproven, Meaning: "a modifier of the query is not known to keep requests apart"},
		{Code: LabelWritten, Meaning: "the query writes the label by which requests are told apart"},
		{Code: LabelRead, Meaning: "the query reads a label that would be there only once queries are merged"},
		{Code: SidesDiffer, Meaning: "only one side of an operator has the label of the requests, so the sides would match only once queries are merged"},
		{Code: QueryUnwritable, Meaning: "the common query cannot be written so that Prometheus reads it as it is meant"},
	}
}

// Refusal is the error of Prove: each request with this query must be sent alone.
type Refusal struct {
	// Rule is one of Codes.
	Rule verdict.Code
	// Fragment is the part of the query where the proof fails, on one line and shortened when long.
	Fragment string
	// Why says what would go wrong, and the correction where there is one.
	Why string
}

// Error is one line: rule, fragment and why.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s: %s", r.Rule, r.Fragment, r.Why)
}

// refuse makes the Refusal for a part of the query.
func (p *proof) refuse(rule verdict.Code, at parser.Node, why string, args ...any) error {
	fragment := p.text
	if r := at.PositionRange(); 0 <= r.Start && r.Start < r.End && int(r.End) <= len(p.text) {
		fragment = p.text[r.Start:r.End]
	}
	return refusal(rule, fragment, fmt.Sprintf(why, args...))
}

func refusal(rule verdict.Code, fragment, why string) *Refusal {
	return &Refusal{Rule: rule, Fragment: oneLine(fragment), Why: oneLine(why)}
}

// oneLine makes one printable line of a text. It cuts the middle out when the text is long.
func oneLine(s string) string {
	const most = 160
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || unicode.IsSpace(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most/2]) + " ... " + string(r[len(r)-most/2:])
	}
	return s
}
