// Package text makes what comes from outside fit to be shown: an error of a client library, an answer of a server, a
// value of a manifest.
//
// It guarantees that a Line is one line of at most Most bytes of valid UTF-8, whatever it is made of, and that a text
// which was cut says so. Joined errors tell the first Shown and count the others. An Address has neither user, password
// nor parameters, and Secrets.Hide leaves no part of a secret that could be recognised.
package text
