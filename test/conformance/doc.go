// Package conformance runs prometheus-adapter and trimtab side by side and asks both the same.
//
// Both are real processes in front of one real API server and one real Prometheus, each behind a proxy that
// writes down what it asks. For each request it compares the status, the PromQL to the byte, and the answer
// without its time. A difference is a failure, unless it stands in the list of deviations with its reason;
// an entry of that list that no request shows any more is a failure too.
//
// The answers of the original are kept in testdata as examples for `trimtab simulate metrics`, written with
// go test ./conformance -update, so that the rules can be tested without a cluster.
package conformance
