// Package kube is the only access to the Kubernetes API: one cache, one recorder of Events, and clients for each part.
//
// It guarantees:
//   - Client reads from watch caches that all parts share.
//   - Pods and nodes are reduced to the fields that trimtab uses before they are cached.
//   - Every request has a time-out and counts against the budget of its part.
//   - A Lease decides which replica leads, and the leader's parts write only while no other replica can lead.
//
// It makes no decisions.
package kube
