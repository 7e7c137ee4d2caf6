// Package scalers is the part that scales by events: it does what KEDA does for ScaledObjects.
//
// For each ScaledObject it reads the triggers once a polling interval, decides between zero, idle and
// the minimum (package replicas), keeps the HPA that decides above it (package hpa), tells in the
// status and in Events what it did and why (package status), and serves the triggers' values to the
// HPA as external metrics.
//
// It guarantees that a trigger that cannot be read is never served as a number and never scales
// anything in; that one bad object does not stop the others, and one namespace not another; that replicas are written only over the
// count on which was decided; that nothing is written while nothing changes; and that external metrics
// are served by every replica of trimtab, while Run, which writes, belongs to the leader.
//
// It does not do ScaledJobs, formulas over triggers (scalingModifiers), fallbacks other than static,
// or restoreToOriginalReplicaCount; an object that asks for one of them is refused by name and left alone.
package scalers
