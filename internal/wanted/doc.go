// Package wanted brings objects into the state that a loop wants, beside the loop.
//
// It guarantees that to want something never waits, that only the newest wanted state is written, that no object is
// written twice at the same time, and that a write which fails is tried again after a pause: it doubles, up to a bound, and
// ends when something else is wanted of the object. Its memory is bounded by what one loop wants. Pauses has the pauses
// alone, for requests that a loop waits for.
package wanted
