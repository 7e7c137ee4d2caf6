// Package record keeps in a file what a plan was made of, and decides it again: `trimtab snapshot` and `trimtab replay`.
//
// A file is JSON lines, one object a line: a header with the version of the format, then the policy, the memory, the
// groups, the Kubernetes objects, the outcome, and a last line that counts the others. Write and Read hold no more of it
// in memory than one line. The form does not depend on how a plan is made: Read gives an Observation, from which the
// same code makes the Snapshot as in the loop.
//
// It guarantees that a plan decided from the file is the plan that was made, that a file of another format, or one that
// was cut off, is an error, and that no environment, command, argument, mounted content, message or annotation is
// written that does not decide. An anonymized Record decides the same, under other names.
package record
