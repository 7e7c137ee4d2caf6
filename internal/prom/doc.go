// Package prom is trimtab's only client for servers with Prometheus's HTTP API.
//
// It guarantees:
//   - Every request has a time-out, on this side and on the server's.
//   - The number of requests in flight to one server is bounded.
//   - No answer is read past a limit, compressed or not.
//   - Credentials are sent to the configured servers only, are read again when their files change, and are in no error.
//   - An error has its kind and its servers.
//   - The warnings of a partial answer are passed on.
//   - An answer that is ambiguous or lacks a number is an error.
//
// Of several servers with the same data it asks the first healthy one. It never sends a request twice to the same
// server. It does not cache or merge: the caller decides that.
package prom
