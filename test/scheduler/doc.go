// Package scheduler asks kube-scheduler's own Filter plugins, of the default profile, whether a pod fits on a node, and reads and
// writes clusters and questions about them as text. The cluster scaler's simulator is compared with it: on random clusters (see
// scheduling_test.go and kubesched_test.go), and on the text cases in testdata, which keep what the former have found.
package scheduler
