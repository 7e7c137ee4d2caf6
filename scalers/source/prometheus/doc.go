// Package prometheus reads the number of a trigger of type prometheus: one PromQL query at one server.
//
// It guarantees:
//   - NaN and infinities are errors and never numbers.
//   - An answer without a series is empty only where the trigger allows it (ignoreNullValues, true by default as in
//     KEDA), and where the server did not call its own answer partial.
//   - Several series are an error; the second series is not read.
//   - Nothing is sent to servers that the Policy does not allow.
//   - Triggers of one namespace for the same server with the same settings share one client. A client certificate or
//     authorities from an authentication are used by its triggers only.
//   - All triggers together keep few idle connections.
//
// internal/prom handles time-outs, limits and credentials. This package does not retry, does not remember answers, and
// has no series in the metrics: users name its servers.
package prometheus
