// Package serve bounds what clients can take of a port, and says how a port speaks TLS.
//
// It guarantees that a listener never has more than its limit of connections and never stops taking new ones, that one
// client address cannot take all of what a handler answers at a time, and that a page for this machine alone is not read
// by a browser that was led here under another name. A certificate that changes on disk is served without a restart, and
// TLS below 1.2 is not spoken.
package serve
