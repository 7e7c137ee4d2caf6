package scheduling

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/trimtab/trimtab/internal/verdict"
)

// The second implementation of what depends on other pods counts every pod of every node anew for each question.

func (c *naive) each(f func(p *corev1.Pod, node *corev1.Node)) {
	for n, pods := range c.pods {
		for _, p := range pods {
			f(p, c.nodes[n])
		}
	}
}

func chooses(s *metav1.LabelSelector, set map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		panic(err)
	}
	return selector.Matches(labels.Set(set))
}

// reaches is whether the term of its owner chooses the pod.
func (c *naive) reaches(owner *corev1.Pod, t *corev1.PodAffinityTerm, p *corev1.Pod) bool {
	namespace := slices.Contains(t.Namespaces, p.Namespace) || t.NamespaceSelector != nil && chooses(t.NamespaceSelector, c.namespaces[p.Namespace])
	if len(t.Namespaces) == 0 && t.NamespaceSelector == nil {
		namespace = p.Namespace == owner.Namespace
	}
	return namespace && chooses(t.LabelSelector, p.Labels)
}

func sameDomain(key string, a, b *corev1.Node) bool {
	x, has := a.Labels[key]
	y, also := b.Labels[key]
	return has && also && x == y
}

func required(p *corev1.Pod) (near, apart []corev1.PodAffinityTerm) {
	if a := p.Spec.Affinity; a != nil && a.PodAffinity != nil {
		near = a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	if a := p.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
		apart = a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	return near, apart
}

func (c *naive) company(p *corev1.Pod, node *corev1.Node) verdict.Code {
	near, apart := required(p)
	choosesAll := func(other *corev1.Pod) bool {
		return !slices.ContainsFunc(near, func(t corev1.PodAffinityTerm) bool { return !c.reaches(p, &t, other) })
	}
	anywhere, missing := false, false
	for i := range near {
		if _, has := node.Labels[near[i].TopologyKey]; !has {
			return PodAffinityUnsatisfied
		}
		here := false
		c.each(func(other *corev1.Pod, on *corev1.Node) {
			if choosesAll(other) {
				_, counts := on.Labels[near[i].TopologyKey]
				anywhere = anywhere || counts
				here = here || sameDomain(near[i].TopologyKey, node, on)
			}
		})
		missing = missing || !here
	}
	if missing && (anywhere || !choosesAll(p)) {
		return PodAffinityUnsatisfied
	}
	conflict, repelled := false, false
	c.each(func(other *corev1.Pod, on *corev1.Node) {
		for i := range apart {
			conflict = conflict || sameDomain(apart[i].TopologyKey, node, on) && c.reaches(p, &apart[i], other)
		}
		_, theirs := required(other)
		for i := range theirs {
			repelled = repelled || sameDomain(theirs[i].TopologyKey, node, on) && c.reaches(other, &theirs[i], p)
		}
	})
	switch {
	case conflict:
		return PodAntiAffinityConflict
	case repelled:
		return RepelledByPods
	}
	return ""
}

func (c *naive) uneven(p *corev1.Pod, node *corev1.Node) verdict.Code {
	var hard []corev1.TopologySpreadConstraint
	for _, t := range p.Spec.TopologySpreadConstraints {
		if t.WhenUnsatisfiable == corev1.DoNotSchedule {
			hard = append(hard, t)
		}
	}
	for _, t := range hard {
		if _, has := node.Labels[t.TopologyKey]; !has {
			return TopologyKeyMissing
		}
		selector := t.LabelSelector.DeepCopy()
		for _, key := range t.MatchLabelKeys {
			if value, has := p.Labels[key]; has && selector != nil {
				selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}})
			}
		}
		counts := map[string]int{}
		for n, on := range c.nodes {
			if !c.counted(p, &t, hard, on) {
				continue
			}
			counts[on.Labels[t.TopologyKey]] += 0
			for _, other := range c.pods[n] {
				if other.Namespace == p.Namespace && other.DeletionTimestamp == nil && chooses(selector, other.Labels) && !asksNothing(selector) {
					counts[on.Labels[t.TopologyKey]]++
				}
			}
		}
		fewest := 1 << 30
		for _, n := range counts {
			fewest = min(fewest, n)
		}
		if len(counts) < int(*orOne(t.MinDomains)) {
			fewest = 0
		}
		self := 0
		if chooses(selector, p.Labels) {
			self = 1
		}
		if counts[node.Labels[t.TopologyKey]]+self-fewest > int(t.MaxSkew) {
			return TopologySpreadExceeded
		}
	}
	return ""
}

func asksNothing(s *metav1.LabelSelector) bool {
	return s != nil && len(s.MatchLabels)+len(s.MatchExpressions) == 0
}

func orOne(n *int32) *int32 {
	if n == nil {
		return new(int32(1))
	}
	return n
}

// counted is whether the constraint looks at the node at all.
func (c *naive) counted(p *corev1.Pod, t *corev1.TopologySpreadConstraint, hard []corev1.TopologySpreadConstraint, node *corev1.Node) bool {
	for _, other := range hard {
		if _, has := node.Labels[other.TopologyKey]; !has {
			return false
		}
	}
	if t.NodeAffinityPolicy == nil || *t.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor {
		if ok, err := nodeaffinity.GetRequiredNodeAffinity(p).Match(node); err != nil || !ok {
			return false
		}
	}
	if t.NodeTaintsPolicy != nil && *t.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
		hard := func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }
		if _, bad := schedulinghelpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, p.Spec.Tolerations, hard, false); bad {
			return false
		}
	}
	return true
}
