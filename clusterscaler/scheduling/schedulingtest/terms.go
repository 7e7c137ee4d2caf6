package schedulingtest

import (
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// randomTerms gives the pod labels, a namespace, and often terms that ask about other pods.
func randomTerms(r *rand.Rand, p *corev1.Pod) {
	p.Namespace = pick(r, "default", "default", "default", "other", "bare")
	p.Labels = map[string]string{"app": pick(r, "web", "db"), "name": pick(r, "0", "1", "2")}
	if one(r, 4) {
		delete(p.Labels, "app")
	}
	if one(r, 8) {
		p.DeletionTimestamp = &metav1.Time{}
	}
	affinity := func() *corev1.Affinity {
		if p.Spec.Affinity == nil {
			p.Spec.Affinity = &corev1.Affinity{}
		}
		return p.Spec.Affinity
	}
	if one(r, 5) {
		a := &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: randomPodTerms(r)}
		affinity().PodAffinity = a
	}
	if one(r, 4) {
		a := &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: randomPodTerms(r)}
		affinity().PodAntiAffinity = a
	}
	if one(r, 3) {
		for range 1 + r.IntN(2) {
			p.Spec.TopologySpreadConstraints = append(p.Spec.TopologySpreadConstraints, randomSpread(r))
		}
	}
}

func randomPodTerms(r *rand.Rand) []corev1.PodAffinityTerm {
	var out []corev1.PodAffinityTerm
	for range 1 + r.IntN(2) {
		t := corev1.PodAffinityTerm{TopologyKey: pick(r, "zone", "kubernetes.io/hostname", "rack"), LabelSelector: randomSelector(r)}
		if one(r, 4) {
			t.Namespaces = []string{pick(r, "default", "other")}
		}
		if one(r, 4) {
			t.NamespaceSelector = pick(r, &metav1.LabelSelector{}, &metav1.LabelSelector{MatchLabels: map[string]string{"team": "b"}})
		}
		out = append(out, t)
	}
	return out
}

func randomSelector(r *rand.Rand) *metav1.LabelSelector {
	expression := func(key string, op metav1.LabelSelectorOperator, values ...string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: op, Values: values}}}
	}
	return pick(r,
		&metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		&metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}},
		&metav1.LabelSelector{MatchLabels: map[string]string{"app": "web", "name": "1"}},
		expression("name", metav1.LabelSelectorOpIn, "0", "2"),
		expression("app", metav1.LabelSelectorOpNotIn, "web"),
		expression("app", metav1.LabelSelectorOpExists),
		expression("app", metav1.LabelSelectorOpDoesNotExist),
		&metav1.LabelSelector{},
		nil,
	)
}

func randomSpread(r *rand.Rand) corev1.TopologySpreadConstraint {
	t := corev1.TopologySpreadConstraint{
		MaxSkew: 1 + r.Int32N(2), TopologyKey: pick(r, "zone", "zone", "kubernetes.io/hostname", "rack"),
		WhenUnsatisfiable: pick(r, corev1.DoNotSchedule, corev1.DoNotSchedule, corev1.DoNotSchedule, corev1.ScheduleAnyway), LabelSelector: randomSelector(r),
	}
	honor, ignore := corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore
	t.NodeAffinityPolicy = pick(r, nil, &honor, &ignore)
	t.NodeTaintsPolicy = pick(r, nil, &honor, &ignore)
	if one(r, 3) {
		t.MinDomains = new(1 + r.Int32N(4))
	}
	if one(r, 3) {
		t.MatchLabelKeys = []string{pick(r, "app", "name", "absent")}
	}
	return t
}
