// Package evict evicts pods through the Eviction API: for the drain of a node, and for other callers that restart pods.
//
// It guarantees that it deletes only the pod with the given UID, never another with the same name. No pod gets a longer
// grace period than its own, or a shorter one, unless the caller caps it. A disruption budget that refuses is
// respected. It tries each pod once in a round and does not wait. The caller decides when to try again and when to give
// up.
package evict
