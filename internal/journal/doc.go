// Package journal keeps the recent decisions of all parts, so that "why?" can be answered later.
//
// It guarantees that its memory is at most MaxEntryBytes for each entry of its capacity, whatever the verdicts hold, that recording never blocks on I/O but the log's own, and that a verdict which repeats the
// last one on its subject is counted and dated but not logged again. It keeps nothing across restarts.
package journal
