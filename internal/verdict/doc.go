// Package verdict is the vocabulary in which every part of trimtab says what it decided and why.
//
// A Verdict is a value: a subject, one code out of the closed set of its part, and facts with numbers.
// The same code is the attribute of a log line, the label of a metric, the reason of an Event, a line
// of `trimtab explain` and a row of docs/reference-codes.md, so that all of them agree.
//
// It guarantees that equal verdicts render equally: facts keep the order in which they were given, and
// numbers are printed in the unit they were given in (3200m, 512Mi, 40s). Names and texts are lines of at most
// text.Most bytes, wherever they come from. It does not log, count or
// send anything: see package journal for that.
package verdict
