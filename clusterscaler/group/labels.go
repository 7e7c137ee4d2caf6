package group

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
)

// ebsZone is the label by which the volumes of Amazon's EBS CSI driver choose a zone.
const ebsZone = "topology.ebs.csi.aws.com/zone"

// NodeLabels are the labels of a new node of that name: those of its template, its hostname, and for each label that
// Kubernetes has renamed also the old name, with the same value (cluster-autoscaler's UpdateDeprecatedLabels). The map
// is the caller's own.
func NodeLabels(template map[string]string, name string) map[string]string {
	labels := maps.Clone(template)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[corev1.LabelHostname] = name
	for stable, old := range map[string]string{
		corev1.LabelArchStable:         "beta.kubernetes.io/arch",
		corev1.LabelOSStable:           "beta.kubernetes.io/os",
		corev1.LabelInstanceTypeStable: corev1.LabelInstanceType,
		corev1.LabelTopologyZone:       corev1.LabelFailureDomainBetaZone,
		corev1.LabelTopologyRegion:     corev1.LabelFailureDomainBetaRegion,
	} {
		if value, has := labels[stable]; has {
			labels[old] = value
		}
	}
	return labels
}

// onAWS are the labels of a node on AWS in that zone: EBS volumes ask for it by a label of their own. Like
// cluster-autoscaler, which labels the templates of Auto Scaling groups so, it keeps one that is given by hand.
func onAWS(labels map[string]string, zone string) map[string]string {
	if zone == "" {
		return labels
	}
	return union(labels, map[string]string{ebsZone: zone})
}
