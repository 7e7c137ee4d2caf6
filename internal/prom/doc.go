// Package prom is the one client by which trimtab speaks to servers with Prometheus's HTTP API.
//
// It guarantees that every request has a time-out, on this side and on the server's; that no more than a
// bounded number of them is in flight to one server; that no answer is read past a limit, compressed or not;
// that credentials go to the configured servers only, are read again when their files change, and stand in no
// error; that an error says which kind of failure it was, and at which servers; that the warnings of a partial
// answer are handed on; and that an answer which could mean two things, or lacks a number, is an error.
//
// Of several servers with the same data it asks the first that is well. It sends no request twice to the same
// one, and does not cache or merge: that is the caller's to decide.
package prom
