// Package nodes breaks what the cluster scaler works with, on the real control plane: launches that do not come, come late,
// fail or bring nodes that are never ready, instances that are lost, budgets that never allow, pods that do not end, an
// API server that goes away, processes that are killed or stopped in the middle of a drain.
package nodes
