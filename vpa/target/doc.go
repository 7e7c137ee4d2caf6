// Package target reads which pods a VerticalPodAutoscaler means: those of the controller that its targetRef names.
//
// It guarantees that no selector matches every pod of a namespace, and it tells a target that the user has to mend from
// one that could not be read this time.
package target
