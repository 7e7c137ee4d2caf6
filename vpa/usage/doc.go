// Package usage reads what containers use from Prometheus, with one query for CPU and one for memory.
// The API metrics.k8s.io as a source comes later.
//
// It guarantees that a reading is a number that can be a usage, with the time that the server gave to it
// and the pod and container it belongs to: NaN, infinite and negative values, readings of the future and
// series without the labels namespace, pod and container are dropped and counted. It returns either all
// of an answer or an error, never a part of one.
package usage
