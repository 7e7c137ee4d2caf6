// Package migration converts a running program that trimtab replaces into the configuration with the same effect. It
// reads the program's flags, or the manifests with them, and writes the sections of trimtab's file. The details of a
// program, mainly its table of flags, are a Program. The part that replaces the program owns it.
//
// It guarantees that each setting names its flag. A flag that has no counterpart, behaves differently or is unknown
// gets a note and is never silently dropped. So does a value that the program would refuse. Nothing of a Secret is
// read.
//
// It reads no files and makes no requests: manifests are arguments. Their size is bounded, and they may have no
// aliases. Equal inputs give equal outputs in an equal order. It supports what installations usually have: rules in the
// volume of a ConfigMap, variables with a value or the namespace. Rarer things get a note and are left to the user.
package migration
