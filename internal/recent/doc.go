// Package recent is a cache of the values that were used last. It guarantees that it never holds more than twice its
// limit, and never drops a value that is used regularly.
package recent
