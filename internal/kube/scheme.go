package kube

import (
	"fmt"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
)

// NewScheme has every kind that trimtab reads or writes.
func NewScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for name, add := range map[string]func(*runtime.Scheme) error{
		"kubernetes": clientgoscheme.AddToScheme,
		"keda.sh":    kedav1alpha1.AddToScheme,
		"vpa":        vpav1.AddToScheme,
	} {
		if err := add(s); err != nil {
			return nil, fmt.Errorf("register the kinds of %s: %w", name, err)
		}
	}
	return s, nil
}
