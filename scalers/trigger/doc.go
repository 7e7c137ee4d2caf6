// Package trigger is the vocabulary between ScaledObjects and the sources that their triggers read.
//
// It guarantees that the metadata of a trigger is read strictly: a parameter that is unknown, missing,
// malformed or out of its range is an error that names the trigger and the key. The first ten errors of a
// trigger are reported at once, and the others counted. Values are trimmed; an empty one counts as absent.
//
// Secrets are never printed: no value that came from an authentication object, no password, header or parameter
// wherever it stands, no user of an address, and no value under an unknown key. Open takes them out of every error
// of a source, since client libraries and servers repeat what they were given.
//
// It reads nothing from anywhere: resolving a TriggerAuthentication and asking a source are done elsewhere.
package trigger
