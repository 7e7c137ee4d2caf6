// Package prometheus reads the number of a trigger of type prometheus: one PromQL query at one server.
//
// It guarantees that NaN and infinities are errors and never numbers, that an answer without a series
// is empty only where the trigger allows it (ignoreNullValues, true by default as in KEDA) and the
// server did not call its own answer partial, that several series are an error of which the second is not
// read, that nothing is sent where the Policy does not lead, that triggers of one namespace for the same server
// with the same settings share one client, that a client certificate and authorities of an authentication are for its triggers
// alone, and that all triggers together keep few connections that nobody uses.
// Time-outs, limits and credentials are the business of internal/prom. It does not retry, does not remember
// answers, and has no series in the metrics: users name its servers.
package prometheus
