// Package migrate turns a running prometheus-adapter into the configuration that does the same: its flags,
// and the manifests they and the rule file stand in, become the sections of trimtab's file.
//
// It guarantees that each setting names the flag that it came from, that a flag which has no counterpart,
// behaves differently or is not known is told and never dropped in silence, and that no password or token
// of a URL, a header or a Secret is in the result: where one is needed, the configuration names a file. A
// value that prometheus-adapter would refuse is told as well. Rules are taken over as they are written,
// comments included; that they are right is for `trimtab check` to say.
//
// It reads no file and asks nobody: manifests are arguments. They are bounded in size and in what their
// aliases expand to. Equal inputs give equal outputs in an equal order.
package migrate
