// Package clusterscaler does the work of cluster-autoscaler: it grows node groups for pods that fit on
// no node, and removes nodes that are underused and whose pods fit elsewhere.
//
// The loop observes (package kube and the provider), decides (package plan, a pure function) and acts:
// it grows groups through the provider and hands nodes that go to a Drainer, which works beside the loop.
// Nodes that are unneeded get a soft taint, so that the scheduler prefers others. A loop that cannot observe decides
// nothing. One that sees too many unready nodes changes nothing. The package guarantees that a node is only removed by the
// plan of a loop that saw the whole cluster, and that an Event is written when what it says has changed.
//
// It does not choose instance types: groups are given.
package clusterscaler
