// Package report tells what the loop of clusterScaler decided and did: in the log, the journal, the metrics, Events on pods
// and on the status ConfigMap, and in that ConfigMap.
//
// It guarantees that no loop waits for a write of it, that an Event is written when what it says has changed, and that a
// status that cannot be written is said once and stops nothing. It decides nothing.
package report
