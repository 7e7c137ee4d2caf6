package record

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// publicKey divides the key of a label or taint into what everybody may know of it and what is the cluster's own. Public
// are the keys of Kubernetes, of clouds and makers of GPUs, and those that a decision knows by name. Of the prefixes in
// which each cluster has keys of its own, the prefix is public.
func publicKey(key string) (public, own string) {
	domain, name, qualified := strings.Cut(key, "/")
	switch {
	case slices.Contains(knownKeys(), key), slices.Contains(plan.UncomparedLabels(), key), keptLabel(key):
		return key, ""
	case !qualified:
		return "", key
	case slices.Contains(ownPrefixes(), domain):
		return domain + "/", name
	case slices.ContainsFunc(publicDomains(), func(of string) bool { return domain == of || strings.HasSuffix(domain, "."+of) }):
		return key, ""
	}
	return "", key
}

// knownKeys are public without a public domain.
func knownKeys() []string {
	return []string{
		metav1.ObjectNameField, group.GoingTaint, group.CandidateTaint, "pod-template-hash", "controller-revision-hash", "pod-template-generation",
		"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master",
	}
}

// ownPrefixes are Kubernetes' prefixes of keys whose rest is free.
func ownPrefixes() []string {
	return []string{
		"node-role.kubernetes.io", "node-restriction.kubernetes.io", "startup-taint.cluster-autoscaler.kubernetes.io",
		"ignore-taint.cluster-autoscaler.kubernetes.io", "status-taint.cluster-autoscaler.kubernetes.io",
	}
}

// publicDomains are those of Kubernetes, and of clouds and makers of devices that label and taint nodes.
func publicDomains() []string {
	return []string{
		"kubernetes.io", "k8s.io", "x-k8s.io", "karpenter.sh", "trimtab.dev",
		"amazonaws.com", "aws.com", "k8s.aws", "eksctl.io", "google.com", "gke.io", "azure.com", "digitalocean.com", "linode.com",
		"oraclecloud.com", "hetzner.cloud", "alibabacloud.com", "nvidia.com", "amd.com", "intel.com",
	}
}

// labelRole is what the values of the label name. The key of the node's name is metadata.name, or empty.
func (a *anonymizer) labelRole(key string) role {
	switch {
	case key == corev1.LabelHostname, key == metav1.ObjectNameField, key == "":
		return nodeName
	case key == corev1.LabelMetadataName:
		return namespaceName
	case a.numeric[key], key == a.gpuLabel, keptLabel(key):
		return kept
	}
	return otherName
}

// keptLabel is whether the values of the label are words of the cloud that many clusters have, and that tell why a pod fits.
func keptLabel(key string) bool {
	switch key {
	case corev1.LabelArchStable, corev1.LabelOSStable, corev1.LabelInstanceTypeStable, corev1.LabelInstanceType, "beta.kubernetes.io/arch",
		"beta.kubernetes.io/os", "k8s.amazonaws.com/accelerator", "cloud.google.com/gke-accelerator", "accelerator":
		return true
	}
	return false
}

// annotationRole is what the value of an annotation that decides names.
func annotationRole(key string) role {
	switch {
	case key == annotationSelectedNode:
		return nodeName
	case key == annotationSafeVolumes:
		return volumeList
	case key == corev1.BetaStorageClassAnnotation, key == corev1.MirrorPodAnnotationKey:
		return otherName
	}
	return kept
}

// taintRole keeps the time that a mark of cluster-autoscaler's has.
func taintRole(key string) role {
	if key == group.GoingTaint || strings.HasSuffix(key, "OfClusterAutoscaler") {
		return kept
	}
	return otherName
}
