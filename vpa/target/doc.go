// Package target finds the pods of a VerticalPodAutoscaler: the pods of the controller in its targetRef.
//
// It guarantees that no selector matches every pod of a namespace. It separates a target that the user must correct
// from a target that could not be read this time.
package target
