// Package serve bounds what clients can take of a port.
//
// It guarantees that a listener never has more than its limit of connections and never stops taking new ones, that one
// client address cannot take all of what a handler answers at a time, and that a page for this machine alone is not read
// by a browser that was led here under another name.
package serve
