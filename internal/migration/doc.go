// Package migration turns a running program that trimtab replaces into the configuration that does the same: it
// reads the program's flags, or the manifests that they stand in, and writes the sections of trimtab's file.
// What is peculiar to a program, its table of flags above all, is a Program, which the part that replaces it
// owns.
//
// It guarantees that each setting names the flag that it came from, and that a flag which has no counterpart,
// behaves differently or is not known is told and never dropped in silence. A value that the program would
// refuse is told as well. Nothing of a Secret is read.
//
// It reads no file and asks nobody: manifests are arguments. They are bounded in size, and have no aliases. Equal inputs
// give equal outputs in an equal order. It reads what installations have: the rules in the volume of a ConfigMap, variables
// with a value or the namespace. What is rarer is told and left to the user.
package migration
