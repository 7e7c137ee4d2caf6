package kube

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// The ConfigMap of cluster-autoscaler's expander priority, and its key.
const (
	PrioritiesConfigMap = "cluster-autoscaler-priority-expander"
	prioritiesKey       = "priorities"
)

// Priorities reads the ConfigMap in the namespace, as it is now.
func (o Observer) Priorities(ctx context.Context, namespace string) ([]plan.Priority, error) {
	var m corev1.ConfigMap
	if err := o.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: PrioritiesConfigMap}, &m); err != nil {
		return nil, fmt.Errorf("priorities of the expander: %w", err)
	}
	return PrioritiesOf(&m)
}

// PrioritiesOf reads the priorities from their ConfigMap.
func PrioritiesOf(m *corev1.ConfigMap) ([]plan.Priority, error) {
	text, has := m.Data[prioritiesKey]
	if !has {
		return nil, fmt.Errorf("configmap %s/%s: the key %s is missing", m.Namespace, m.Name, prioritiesKey)
	}
	priorities, err := parsePriorities(text)
	if err != nil {
		return nil, fmt.Errorf("configmap %s/%s: %s: %w", m.Namespace, m.Name, prioritiesKey, err)
	}
	return priorities, nil
}

// parsePriorities reads a mapping from priorities to lists of regular expressions of group names, the highest first.
func parsePriorities(text string) ([]plan.Priority, error) {
	var tiers map[int][]string
	if err := yaml.Unmarshal([]byte(text), &tiers); err != nil {
		return nil, fmt.Errorf("not a mapping from whole numbers to lists of regular expressions: %w", err)
	}
	if len(tiers) == 0 {
		return nil, fmt.Errorf("empty; write a line such as \"10: [.*]\"")
	}
	var out []plan.Priority
	for _, value := range slices.Backward(slices.Sorted(maps.Keys(tiers))) {
		tier := plan.Priority{Value: value}
		for i, expression := range tiers[value] {
			r, err := regexp.Compile(expression)
			if err != nil {
				return nil, fmt.Errorf("priority %d, expression %d: %w", value, i+1, err)
			}
			tier.Groups = append(tier.Groups, r)
		}
		out = append(out, tier)
	}
	return out, nil
}
