// Package text makes foreign texts safe to show: an error of a client library, an answer of a server, a value of a
// manifest.
//
// It guarantees that a Line is one line of at most Most bytes of valid UTF-8, whatever its input, and that a shortened
// text says so. Joined errors show the first Shown and count the others. An Address has no user, password or
// parameters. Secrets.Hide leaves no recognisable part of a secret.
package text
