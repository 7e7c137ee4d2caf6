// Package fetch reaches servers over TCP and HTTP within bounds.
//
// It guarantees that a Policy is applied at the dial, to the resolved address. No name, no notation of an address and
// no redirect can avoid it, and no proxy dials instead. Headers and bodies are read up to a limit, compressed or not.
// No more than the limit is held in memory. The error of a transport says what failed, and repeats nothing from the
// server.
//
// It knows no API: the caller interprets answers. It does not retry.
package fetch
