// Package kube is the one door to the Kubernetes API: one client, one cache, one recorder of Events.
//
// It guarantees that reads of Client come from watch caches that all parts share, that pods and nodes
// are stripped to what trimtab uses before they are kept, that every request has a time-out and one
// rate limit, and that leadership is held by a Lease. It decides nothing.
package kube
