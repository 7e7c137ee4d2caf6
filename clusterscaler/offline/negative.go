package offline

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/internal/config"
)

// negatives are the amounts of an object below zero, which the API server refuses, by their paths below path.
func negatives(object any, path string) config.Problems {
	var ps config.Problems
	list := func(at string, amounts corev1.ResourceList) {
		for _, name := range slices.Sorted(maps.Keys(amounts)) {
			if q := amounts[name]; q.Sign() < 0 {
				ps.Add(below(path, at+"."+printable(string(name))), "%q is negative", printable(q.String()))
			}
		}
	}
	switch o := object.(type) {
	case *corev1.Node:
		list("status.capacity", o.Status.Capacity)
		list("status.allocatable", o.Status.Allocatable)
	case *corev1.Pod:
		podAmounts(&o.Spec, "spec", list)
	case *appsv1.DaemonSet:
		podAmounts(&o.Spec.Template.Spec, "spec.template.spec", list)
	case *corev1.PersistentVolumeClaim:
		list("spec.resources.requests", o.Spec.Resources.Requests)
	case *corev1.PersistentVolume:
		list("spec.capacity", o.Spec.Capacity)
	}
	return ps
}

// podAmounts visits the amounts that a pod asks for.
func podAmounts(s *corev1.PodSpec, at string, list func(at string, amounts corev1.ResourceList)) {
	both := func(at string, r *corev1.ResourceRequirements) {
		list(at+".requests", r.Requests)
		list(at+".limits", r.Limits)
	}
	for i := range s.InitContainers {
		both(fmt.Sprintf("%s.initContainers[%d].resources", at, i), &s.InitContainers[i].Resources)
	}
	for i := range s.Containers {
		both(fmt.Sprintf("%s.containers[%d].resources", at, i), &s.Containers[i].Resources)
	}
	if s.Resources != nil {
		both(at+".resources", s.Resources)
	}
	list(at+".overhead", s.Overhead)
}
