// Package trigger is what ScaledObjects and the sources that their triggers read have in common.
//
// A Source is a type of triggers: a table of parameters, what is measured, and how it is read. Check reads the parameters and
// opens nothing. Open takes leases on clients from a Pool, which triggers share.
//
// It guarantees that a client stays open until its last lease was given back and its last reader is done, and that secrets
// are never printed: no value of an authentication, and no secret of a trigger, stands in an error, a warning or a line of the log,
// whatever a client library or a server repeats.
//
// It reads nothing from anywhere: resolving a TriggerAuthentication and asking a source are done elsewhere.
package trigger
