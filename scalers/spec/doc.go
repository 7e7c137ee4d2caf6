// Package spec checks a ScaledObject and translates it to the inputs of the decisions.
//
// It guarantees that all problems of an object are reported at once, each with the path and the value. Unsupported
// fields are refused by name instead of being ignored. The sources check the triggers, not this package. It reads
// nothing from the cluster.
package spec
