// Package migrate knows prometheus-adapter: its flags, and what becomes of each in trimtab's configuration;
// package migration reads the installation and writes the file.
//
// It guarantees besides that no password or token of a URL, a header or a Secret is in the result: where one
// is needed, the configuration names a file. Rules are taken over as they are written, comments included; what of them
// trimtab refuses is a blocking note.
package migrate
