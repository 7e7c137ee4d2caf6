// Package kube is the clusterscaler's edge to Kubernetes: it turns the cached objects into a
// plan.Snapshot, and drains nodes.
//
// An Observation is all that a Snapshot is made of, and one function makes it, whoever asks. A Translator translates what
// has changed since its last Snapshot, which PodChanges collects from the watch; a Snapshot
// says the same as one that is made from nothing.
//
// A Drainer guarantees that nothing it knows only in memory is needed for safety: a node that is going
// carries the taint ToBeDeletedByClusterAutoscaler from before the first eviction to its end, so that
// after a crash at any point another process finds it and finishes or undoes the drain. Pods leave
// through the Eviction API only. A drain that cannot be finished gives the node back.
//
// It makes no decision: which node goes, and whether it still may, is asked of package plan.
package kube
