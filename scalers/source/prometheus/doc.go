// Package prometheus reads the number of a trigger of type prometheus: one PromQL query at one server.
//
// It guarantees that NaN and infinities are errors and never numbers, that an answer without a series
// is empty only where the trigger allows it (ignoreNullValues, true by default as in KEDA) and the
// server did not call its own answer partial, that several series are an error, and that triggers of
// the same server with the same settings share one client. Time-outs, limits and credentials are the
// business of internal/prom. It does not retry and does not remember answers.
package prometheus
