// Package migrate knows the flags of prometheus-adapter, and the setting of trimtab for each. Package migration reads
// the installation and writes the file.
//
// It guarantees that no password or token of a URL, a header or a Secret is in the result. Where one is needed, the
// configuration names a file. Rules are copied as they are written, with their comments. What trimtab refuses in them
// is a blocking note.
package migrate
