// Package prom is the one client by which trimtab speaks to servers with Prometheus's HTTP API.
//
// It guarantees that every request has a time-out, on this side and on the server's; that no answer is
// read past a limit; that token and certificate files are read again when they change; that an error
// says which kind of failure it was and never carries a credential; and that the warnings of a partial
// answer are handed on. It does not retry, cache or merge: that is the caller's to decide.
package prom
