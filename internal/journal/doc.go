// Package journal keeps the recent decisions of all parts, so that users can ask for the reasons later.
//
// It guarantees that its memory is at most MaxEntryBytes for each entry of its capacity, whatever the verdicts contain.
// Recording blocks on no I/O except the log's. A verdict that repeats the last verdict on its subject is counted and
// dated but not logged again. Nothing survives a restart.
package journal
