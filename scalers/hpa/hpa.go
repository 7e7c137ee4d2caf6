package hpa

import (
	"maps"
	"slices"
	"sort"
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// maxLabel is the maximum length of a label value.
	maxLabel = 63
	// apiVersion is the release of KEDA that makes the same objects. It is the value of a label.
	apiVersion = "2.21.0"
)

// Name is the name of so's HPA: the name in its spec, or keda-hpa-<name>.
func Name(so *keda.ScaledObject) string {
	if a := so.Spec.Advanced; a != nil && a.HorizontalPodAutoscalerConfig != nil && a.HorizontalPodAutoscalerConfig.Name != "" {
		return a.HorizontalPodAutoscalerConfig.Name
	}
	return "keda-hpa-" + so.Name
}

// Build makes the HPA of so. metrics are in the order of the triggers. As in KEDA, the HPA has them sorted by type, in
// the same order within a type.
func Build(so *keda.ScaledObject, metrics []Metric) *autoscalingv2.HorizontalPodAutoscaler {
	name := Name(so)
	specs := make([]autoscalingv2.MetricSpec, len(metrics))
	for i, m := range metrics {
		specs[i] = m.spec(so.Name)
	}
	sort.SliceStable(specs, func(i, j int) bool { return specs[i].Type < specs[j].Type })
	target := so.Spec.ScaleTargetRef
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: so.Namespace,
			Labels: labels(so, name), Annotations: annotations(so),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: keda.GroupVersion.String(), Kind: "ScaledObject", Name: so.Name, UID: so.UID,
				Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			MinReplicas: so.GetHPAMinReplicas(),
			MaxReplicas: so.GetHPAMaxReplicas(),
			Metrics:     specs,
			Behavior:    behavior(so),
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{
				APIVersion: orDefault(target.APIVersion, "apps/v1"), Kind: orDefault(target.Kind, "Deployment"), Name: target.Name,
			},
		},
	}
}

func labels(so *keda.ScaledObject, name string) map[string]string {
	out := map[string]string{}
	excluded := strings.Split(so.Annotations[keda.ScaledObjectExcludedLabelsAnnotation], ",")
	for i := range excluded {
		excluded[i] = strings.TrimSpace(excluded[i])
	}
	for key, value := range so.Labels {
		if !slices.Contains(excluded, key) {
			out[key] = value
		}
	}
	maps.Copy(out, map[string]string{
		OwnerLabel:                     cut(so.Name),
		"app.kubernetes.io/name":       cut(name),
		"app.kubernetes.io/version":    apiVersion,
		"app.kubernetes.io/part-of":    cut(so.Name),
		"app.kubernetes.io/managed-by": "keda-operator",
	})
	return out
}

// annotations are the annotations of so without the one of `kubectl apply`. On the HPA, that annotation would make a
// later apply remove fields that it never set.
func annotations(so *keda.ScaledObject) map[string]string {
	out := maps.Clone(so.Annotations)
	delete(out, "kubectl.kubernetes.io/last-applied-configuration")
	return out
}

// behavior is the user's behavior. A direction is disabled where an annotation pauses it.
func behavior(so *keda.ScaledObject) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	var b *autoscalingv2.HorizontalPodAutoscalerBehavior
	if a := so.Spec.Advanced; a != nil && a.HorizontalPodAutoscalerConfig != nil {
		b = a.HorizontalPodAutoscalerConfig.Behavior.DeepCopy()
	}
	if !so.NeedToPauseScaleIn() && !so.NeedToPauseScaleOut() {
		return b
	}
	if b == nil {
		b = &autoscalingv2.HorizontalPodAutoscalerBehavior{}
	}
	if so.NeedToPauseScaleIn() {
		b.ScaleDown = off(b.ScaleDown)
	}
	if so.NeedToPauseScaleOut() {
		b.ScaleUp = off(b.ScaleUp)
	}
	return b
}

func off(r *autoscalingv2.HPAScalingRules) *autoscalingv2.HPAScalingRules {
	if r == nil {
		r = &autoscalingv2.HPAScalingRules{}
	}
	r.SelectPolicy = new(autoscalingv2.DisabledPolicySelect)
	return r
}

// OwnedBy is true if h belongs to so itself, not to an older object with the same name.
func OwnedBy(h *autoscalingv2.HorizontalPodAutoscaler, so *keda.ScaledObject) bool {
	owner := metav1.GetControllerOf(h)
	return owner != nil && owner.UID == so.UID
}

// Reconciled is a copy of have with all fields of want, and whether anything changed. Other labels, annotations and
// owners stay.
func Reconciled(have, want *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, bool) {
	out := have.DeepCopy()
	out.Labels = merged(out.Labels, want.Labels)
	out.Annotations = merged(out.Annotations, want.Annotations)
	out.OwnerReferences = withOwner(out.OwnerReferences, want.OwnerReferences[0])
	metaEqual := maps.Equal(out.Labels, have.Labels) && maps.Equal(out.Annotations, have.Annotations) &&
		equality.Semantic.DeepEqual(out.OwnerReferences, have.OwnerReferences)
	specEqual := equality.Semantic.DeepEqual(defaulted(have.Spec), defaulted(want.Spec))
	if !specEqual {
		out.Spec = *want.Spec.DeepCopy()
	}
	return out, !metaEqual || !specEqual
}

func merged(have, want map[string]string) map[string]string {
	if len(want) == 0 {
		return have
	}
	out := maps.Clone(have)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, want)
	return out
}

// withOwner makes want the controlling owner. Another controlling owner is removed.
func withOwner(have []metav1.OwnerReference, want metav1.OwnerReference) []metav1.OwnerReference {
	out := []metav1.OwnerReference{}
	found := false
	for _, o := range have {
		switch {
		case o.UID == want.UID:
			o, found = want, true
		case o.Controller != nil && *o.Controller:
			continue
		}
		out = append(out, o)
	}
	if !found {
		out = append(out, want)
	}
	return out
}

func cut(s string) string {
	if len(s) > maxLabel {
		s = strings.TrimRight(s[:maxLabel], "-_.")
	}
	return s
}

func orDefault(s, absent string) string {
	if s == "" {
		return absent
	}
	return s
}
