package hpa

import (
	"math"
	"os"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func scaledObject(change func(*keda.ScaledObject)) *keda.ScaledObject {
	so := &keda.ScaledObject{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u1"},
		Spec:       keda.ScaledObjectSpec{ScaleTargetRef: &keda.ScaleTarget{Name: "web"}},
	}
	if change != nil {
		change(so)
	}
	return so
}

func external(name string, target float64) Metric {
	return Metric{Name: name, Type: autoscalingv2.AverageValueMetricType, Target: target}
}

// The whole object, as people would read it with kubectl.
func TestBuildTheWholeObject(t *testing.T) {
	so := scaledObject(func(so *keda.ScaledObject) {
		so.Labels = map[string]string{"team": "a", "secret-label": "x", "app.kubernetes.io/part-of": "other"}
		so.Annotations = map[string]string{
			"note": "n", keda.ScaledObjectExcludedLabelsAnnotation: "x , secret-label",
			"kubectl.kubernetes.io/last-applied-configuration": "{}",
		}
		so.Spec.MinReplicaCount, so.Spec.MaxReplicaCount = new(int32(0)), new(int32(9))
		so.Spec.ScaleTargetRef = &keda.ScaleTarget{Name: "db", Kind: "StatefulSet"}
		so.Spec.Advanced = &keda.AdvancedConfig{HorizontalPodAutoscalerConfig: &keda.HorizontalPodAutoscalerConfig{
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(7))}},
		}}
	})
	before := so.DeepCopy()
	got, err := yaml.Marshal(Build(so, []Metric{
		{Resource: corev1.ResourceCPU, Type: autoscalingv2.UtilizationMetricType, Target: 60},
		external("s1-redis-orders", 5), {Name: "s2-prometheus", Type: autoscalingv2.ValueMetricType, Target: 0.57},
		{Resource: corev1.ResourceMemory, Container: "app", Type: autoscalingv2.AverageValueMetricType, Target: 104857600},
	}))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if b, _ := yaml.Marshal(before); string(b) != string(must(yaml.Marshal(so))) {
		t.Error("the ScaledObject was changed")
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestPausedDirectionsAreSwitchedOff(t *testing.T) {
	so := scaledObject(func(so *keda.ScaledObject) {
		so.Annotations = map[string]string{keda.PausedScaleInAnnotation: "true"}
	})
	h := Build(so, []Metric{external("s0-x", 1)})
	if b := h.Spec.Behavior; b == nil || b.ScaleUp != nil || *b.ScaleDown.SelectPolicy != autoscalingv2.DisabledPolicySelect {
		t.Errorf("behavior %+v", b)
	}
	so.Annotations = map[string]string{keda.PausedScaleOutAnnotation: "yes please"} // unparsable counts as true
	h = Build(so, []Metric{external("s0-x", 1)})
	if b := h.Spec.Behavior; b == nil || b.ScaleDown != nil || *b.ScaleUp.SelectPolicy != autoscalingv2.DisabledPolicySelect {
		t.Errorf("behavior %+v", b)
	}
}

func TestNames(t *testing.T) {
	if got := MetricName(3, "redis-a/b.c:d%e(f)"); got != "s3-redis-a-b-c-d-e-f-" {
		t.Errorf("metric name %s", got)
	}
	so := scaledObject(func(so *keda.ScaledObject) {
		so.Spec.Advanced = &keda.AdvancedConfig{HorizontalPodAutoscalerConfig: &keda.HorizontalPodAutoscalerConfig{Name: "mine"}}
	})
	if got := Name(so); got != "mine" {
		t.Errorf("name %s", got)
	}
}

func TestExternalTypeRefusesUtilization(t *testing.T) {
	for in, want := range map[autoscalingv2.MetricTargetType]autoscalingv2.MetricTargetType{
		"": "AverageValue", "AverageValue": "AverageValue", "Value": "Value", "Utilization": "", "x": "",
	} {
		if got, err := ExternalType(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestMilli(t *testing.T) {
	for in, want := range map[float64]string{0: "0", -3: "0", 1.5: "1500m", 0.57: "570m", 7: "7", 0.0004: "0", 1e300: "9223372036854775807m"} {
		if q := Milli(in); q.String() != want {
			t.Errorf("%v is %s, want %s", in, q.String(), want)
		}
	}
	if q := Milli(math.Inf(1)); q.MilliValue() != math.MaxInt64 {
		t.Errorf("infinity is %s", q.String())
	}
}

func TestReconciled(t *testing.T) {
	so := scaledObject(func(so *keda.ScaledObject) {
		so.Labels = map[string]string{"team": "a"}
		so.Spec.Advanced = &keda.AdvancedConfig{HorizontalPodAutoscalerConfig: &keda.HorizontalPodAutoscalerConfig{
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(7))}},
		}}
	})
	for name, c := range map[string]struct {
		change  func(*autoscalingv2.HorizontalPodAutoscaler)
		differs bool
	}{
		"as built":                       {func(*autoscalingv2.HorizontalPodAutoscaler) {}, false},
		"as the API server completes it": {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Spec = defaulted(h.Spec) }, false},
		"status":                         {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Status.CurrentReplicas = 3 }, false},
		"labels of others":               {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Labels["theirs"] = "x" }, false},
		"label edited":                   {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Labels["team"] = "b" }, true},
		"maximum edited":                 {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Spec.MaxReplicas = 7 }, true},
		"minimum edited":                 {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Spec.MinReplicas = new(int32(0)) }, true},
		"target edited": {func(h *autoscalingv2.HorizontalPodAutoscaler) {
			q := Milli(9)
			h.Spec.Metrics[0].External.Target.AverageValue = &q
		}, true},
		"metric removed":   {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Spec.Metrics = nil }, true},
		"behavior removed": {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Spec.Behavior = nil }, true},
		"scale-up policy edited": {func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.Spec = defaulted(h.Spec)
			h.Spec.Behavior.ScaleUp.Policies[0].Value = 99
		}, true},
		"owner removed": {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.OwnerReferences = nil }, true},
		"owned by another": {func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.OwnerReferences[0].UID = "before"
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			want := Build(so, []Metric{external("s0-x", 5)})
			have := want.DeepCopy()
			c.change(have)
			kept := have.DeepCopy()
			got, differs := Reconciled(have, want)
			if differs != c.differs {
				t.Fatalf("differs %v, want %v", differs, c.differs)
			}
			if _, again := Reconciled(got, want); again {
				t.Error("it differs still after it was reconciled")
			}
			if !OwnedBy(got, so) || len(got.OwnerReferences) != 1 {
				t.Errorf("owners %v", got.OwnerReferences)
			}
			if have.Labels["theirs"] != got.Labels["theirs"] || string(must(yaml.Marshal(kept))) != string(must(yaml.Marshal(have))) {
				t.Error("the existing object was changed, or lost what is not ours")
			}
		})
	}
}
