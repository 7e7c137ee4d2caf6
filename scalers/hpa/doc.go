// Package hpa builds the HorizontalPodAutoscaler (autoscaling/v2) that scales a ScaledObject's target between its
// minimum and maximum. It also says whether an existing HPA differs from it.
//
// The object is the one that KEDA makes from the same ScaledObject, so that a cluster can move from one to the other
// without replacing an HPA. It guarantees that it does not change its arguments, and that defaults from the API server
// do not count as a difference. Other labels and annotations on an existing HPA stay.
//
// It makes no requests, and reads no metric.
package hpa
