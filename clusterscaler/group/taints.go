package group

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The taints by which an autoscaler marks nodes. Their value is since when, in seconds since 1970.
const (
	// GoingTaint is what a node has, with the effect NoSchedule, from when its removal begins.
	GoingTaint = "ToBeDeletedByClusterAutoscaler"
	// CandidateTaint is what a node has, with the effect PreferNoSchedule, as long as it is not needed.
	CandidateTaint = "DeletionCandidateOfClusterAutoscaler"
)

// What keys of startup and status taints begin with, for everybody.
const (
	startupTaintPrefix = "startup-taint.cluster-autoscaler.kubernetes.io/"
	ignoreTaintPrefix  = "ignore-taint.cluster-autoscaler.kubernetes.io/"
	statusTaintPrefix  = "status-taint.cluster-autoscaler.kubernetes.io/"
)

// StartupTaint is whether everybody's nodes have the taint until they have started.
func StartupTaint(key string) bool {
	return strings.HasPrefix(key, startupTaintPrefix) || strings.HasPrefix(key, ignoreTaintPrefix)
}

// TransientTaint is whether the taint tells of the start, the state or the end of a node, so that a new node of its group does not
// have it. The names are those of Kubernetes and of cluster-autoscaler.
func TransientTaint(key string) bool {
	switch key {
	case GoingTaint, CandidateTaint, corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeUnschedulable, corev1.TaintNodeMemoryPressure,
		corev1.TaintNodeDiskPressure, corev1.TaintNodeNetworkUnavailable, corev1.TaintNodePIDPressure, corev1.TaintNodeOutOfService,
		"node.cloudprovider.kubernetes.io/uninitialized", "node.cloudprovider.kubernetes.io/shutdown":
		return true
	}
	return StartupTaint(key) || strings.HasPrefix(key, statusTaintPrefix)
}
