package scheduling

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/component-helpers/nodedeclaredfeatures/types"
)

// The version of Kubernetes whose scheduler is modelled. Features that every node of that version has need no declaration.
const kubernetesMajor, kubernetesMinor = 1, 37

// featuresOf are the features that a node must declare to take the pod, sorted.
func featuresOf(p *corev1.Pod) []string {
	f := nodedeclaredfeatures.DefaultFramework
	needed, err := f.InferForPodScheduling(&types.PodInfo{Spec: &p.Spec}, version.MajorMinor(kubernetesMajor, kubernetesMinor))
	if err != nil || needed.IsEmpty() { // it is an error to give no version
		return nil
	}
	names, err := f.Unmap(needed)
	if err != nil { // it is one to ask another framework
		return nil
	}
	return names
}

// featureMismatch is a feature that the pod needs and the node does not declare.
func (s *Spec) featureMismatch(n *Node) Misfit {
	for _, name := range s.Features {
		if !slices.Contains(n.Features, name) {
			return Misfit{Code: FeatureNotDeclared, What: name}
		}
	}
	return Misfit{}
}
