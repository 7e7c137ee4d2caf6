// Package status words a plan as cluster-autoscaler's status ConfigMap has it, so that those who read that find what
// they know.
//
// It guarantees that a condition's lastTransitionTime is that of the first plan since which it holds, as far as its Book
// goes back, and that equal plans give equal texts. It writes nothing.
package status
