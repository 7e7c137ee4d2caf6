// Package trigger is the interface between objects with triggers and the sources of their triggers.
//
// A Source is a type of triggers: a table of parameters, the metric, and the reading. Check reads the parameters and
// opens nothing. Open takes leases on clients from a Pool, which triggers share.
//
// It guarantees that a client stays open until its last lease was given back and its last reading has ended. Secrets
// are never printed. No error, warning or log line contains a value of an authentication or a secret of a trigger,
// whatever a client library or a server repeats.
//
// It makes no requests. Other packages resolve a TriggerAuthentication and read a source.
package trigger
