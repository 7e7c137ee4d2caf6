// Package hpa builds the HorizontalPodAutoscaler (autoscaling/v2) that scales a ScaledObject's target
// between its minimum and maximum, and tells whether an existing one has drifted from it.
//
// The object is the one that KEDA would make of the same ScaledObject, so that a cluster can move from
// one to the other without an HPA being replaced. It guarantees that what it was given is not changed
// and that an object which the API server filled with its defaults does not count as drifted. Labels
// and annotations that others put on an existing HPA are left alone.
//
// It sends nothing, and reads no metric.
package hpa
