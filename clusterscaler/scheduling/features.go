package scheduling

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/component-helpers/nodedeclaredfeatures/types"
)

// The Kubernetes whose scheduler is modelled. What every node of that version can do needs no declaration.
const kubernetesMajor, kubernetesMinor = 1, 37

// featuresOf are the features that a node must declare to take the pod, in the order of their names.
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
