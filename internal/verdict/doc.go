// Package verdict has the types with which every part of trimtab says what it decided and why.
//
// A Verdict is a value: a subject, one code of its part's fixed set, and facts with numbers. The same code is used as
// the attribute of a log line, the label of a metric, the reason of an Event, in `trimtab explain` and as a row of
// docs/reference-codes.md.
//
// It guarantees that equal verdicts give equal texts: facts keep their order, and numbers are printed in their unit
// (3200m, 512Mi, 40s). Names and texts are lines of at most text.Most bytes, wherever they come from. It does not log,
// count or send anything; package journal does.
package verdict
