// Package offline is a cluster made of files, for which package plan decides as it does in the loop of a live one:
// `trimtab simulate cluster`. The dump is what kubectl prints; the groups are written by hand.
//
// It guarantees that objects are translated by the same code as those of a live cluster (package kube), that all
// mistakes of both files are reported at once with file, line and path, that equal files give equal answers, and
// that a hostile file ends in an error: numbers that would be counted up to are bounded, and no value is printed
// at length. All of a dump is read or is an error, and its text is never in memory as a whole: a List is read item by
// item. It reads no clock, opens no file and connects to nothing.
package offline
