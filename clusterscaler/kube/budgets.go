package kube

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// budgets are the disruption budgets of a cluster, which pods they select, and a text that is equal as long as
// they select the same.
type budgets struct {
	all         []plan.Budget
	byNamespace map[string][]selection
	same        string
}

type selection struct {
	index    int
	selector labels.Selector
}

// budgets reads the disruption budgets. What one allows is 0 as long as its controller has not seen its last change.
func (o *Objects) budgets() budgets {
	out := budgets{byNamespace: map[string][]selection{}}
	var same strings.Builder
	for i, b := range byName(o.Budgets) {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil {
			selector = labels.Everything() // not to be read: better one budget too many than one too few
		}
		allowed := int(b.Status.DisruptionsAllowed)
		if b.Status.ObservedGeneration < b.Generation {
			allowed = 0
		}
		out.all = append(out.all, plan.Budget{Name: b.Namespace + "/" + b.Name, Allowed: allowed})
		out.byNamespace[b.Namespace] = append(out.byNamespace[b.Namespace], selection{i, selector})
		fmt.Fprintf(&same, "%q %q %q\n", b.Namespace, b.Name, selector)
	}
	out.same = same.String()
	return out
}

// of are the indices of the budgets that select the pod.
func (b *budgets) of(p *corev1.Pod) []int {
	var out []int
	for _, s := range b.byNamespace[p.Namespace] {
		if s.selector.Matches(labels.Set(p.Labels)) {
			out = append(out, s.index)
		}
	}
	return out
}
