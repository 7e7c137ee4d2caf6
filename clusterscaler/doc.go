// Package clusterscaler does the work of cluster-autoscaler: it grows node groups for pods that fit on
// no node, and removes nodes that are underused and whose pods fit elsewhere.
//
// The loop observes (package kube and the provider), decides (package plan, a pure function), acts and reports (package
// report). It acts through the provider, which changes groups, and a Drainer, which removes nodes beside the loop. Unneeded
// nodes get a soft taint, so that the scheduler prefers others.
//
// A loop that cannot observe decides nothing. A loop that observes too many unready nodes changes nothing. The package
// guarantees that a node is only removed by the plan of a loop that observed the whole cluster, and that it is checked again
// before its drain.
//
// It does not choose instance types: groups are given.
package clusterscaler
