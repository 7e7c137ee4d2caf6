// Package trigger is the vocabulary between ScaledObjects and the sources that their triggers read.
//
// It guarantees that the metadata of a trigger is read strictly: a parameter that is unknown, missing,
// malformed or out of its range is an error that names the trigger, the key and the value, and all
// errors of a trigger are reported at once. Values are trimmed; an empty one counts as absent. A value
// that came from an authentication object is never printed.
//
// It reads nothing from anywhere: resolving a TriggerAuthentication and asking a source are done elsewhere.
package trigger
