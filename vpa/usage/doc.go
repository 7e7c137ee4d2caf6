// Package usage reads what containers use from Prometheus, with one query for CPU and one for memory.
// The API metrics.k8s.io as a source comes later.
//
// It guarantees that a reading is a possible usage, with the server's timestamp, the pod and the container. NaN,
// infinite and negative values, readings of the future and series without the labels namespace, pod and container are
// dropped and counted. It returns a complete answer or an error, never a part of an answer.
package usage
