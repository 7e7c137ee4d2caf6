// Package spec checks a ScaledObject and translates it to the values that the decisions are made of.
//
// It guarantees that all that is wrong with an object is reported at once, each with the path and the
// value, and that what trimtab does not do is refused by name instead of being ignored. Triggers are
// checked by their sources, not here; nothing is read from the cluster.
package spec
