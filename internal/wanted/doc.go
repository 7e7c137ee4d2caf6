// Package wanted writes the states of objects that a loop wants, in the background.
//
// It guarantees that Want never waits, that only the newest wanted state is written, and that no object is written
// twice at the same time. A failed write is tried again after a pause, which doubles up to a bound. The pause ends when
// another state of the object is wanted. Its memory is bounded by what one loop wants. Pauses has only the pauses, for
// requests that a loop waits for.
package wanted
