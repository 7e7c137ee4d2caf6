// Package cluster is what the faults of the cluster scaler have in common: a real control plane, a trimtab that makes its
// nodes, pods that need them, and what people see of both: nodes, pods, Events, decisions, metrics.
package cluster
