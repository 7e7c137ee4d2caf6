// Package scheduler asks kube-scheduler's own Filter plugins, of the default profile, whether a pod fits on a node.
// It is what the cluster scaler's simulator is compared with; see simulate_test.go.
package scheduler
