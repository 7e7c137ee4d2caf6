// Package recent is a memory of what was used last. It guarantees that it never holds more than twice its limit, and that
// what is used all the time is never forgotten.
package recent
