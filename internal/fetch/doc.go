// Package fetch reaches servers over TCP and HTTP within bounds.
//
// It guarantees that a Policy holds at the moment of the dial, for the address that was resolved: no name, no
// spelling of an address and no redirect leads around it. No proxy dials in its place. Headers and bodies are
// read up to a limit, compressed or not, and nothing past the limit is held. The error of a transport says what
// went wrong, and repeats nothing that the server wrote.
//
// It knows no API: what an answer means is for its caller. It does not retry.
package fetch
