// Package kube is the one door to the Kubernetes API: one cache, one recorder of Events, and clients for each part.
//
// It guarantees that reads of Client come from watch caches that all parts share, that pods and nodes
// are stripped to what trimtab uses before they are kept, that every request has a time-out and counts
// against the budget of its part, that leadership is held by a Lease, and that the leader's parts write
// only while no other replica can lead. It decides nothing.
package kube
