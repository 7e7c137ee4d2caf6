package vpa

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/config"
)

func TestDefaultsAreValid(t *testing.T) {
	var c Config
	c.SetDefaults()
	if ps := c.Validate(); len(ps) > 0 {
		t.Error(ps)
	}
}

func TestConfigIsCheckedAsAWhole(t *testing.T) {
	file := struct {
		VPA *Config `yaml:"vpa"`
	}{}
	err := config.Decode("trimtab.yaml", []byte(`
vpa:
  recommenderName: ""
  cpuQuery: ""
  targetCpuPercentile: 90
  recommendationLowerBoundMemoryPercentile: -0.1
  recommendationUpperBoundCpuPercentile: .nan
  recommenderInterval: 0s
  memoryHistogramDecayHalfLife: 100000h
  recommendationMarginFraction: -1
  oomBumpUpRatio: 0.9
  updateWorkerCount: 0
  containerRecommendationMaxAllowedCpu: many
  containerRecommendationMaxAllowedMemory: "0"
  vpaObjectNamespace: a
  ignoredVpaObjectNamespaces: [b]
`), &file)
	want := `trimtab.yaml: vpa.recommenderName: must not be empty
trimtab.yaml: vpa.cpuQuery: must not be empty
trimtab.yaml: vpa.targetCpuPercentile: 90 is not between 0 and 1
trimtab.yaml: vpa.recommendationLowerBoundMemoryPercentile: -0.1 is not between 0 and 1
trimtab.yaml: vpa.recommendationUpperBoundCpuPercentile: NaN is not between 0 and 1
trimtab.yaml: vpa.recommenderInterval: 0s is not above zero and at most 8784h0m0s
trimtab.yaml: vpa.memoryHistogramDecayHalfLife: 100000h0m0s is not above zero and at most 8784h0m0s
trimtab.yaml: vpa.recommendationMarginFraction: -1 is less than 0 or no number
trimtab.yaml: vpa.oomBumpUpRatio: 0.9 is less than 1 or no number
trimtab.yaml: vpa.updateWorkerCount: 0 is less than 1 or no number
trimtab.yaml: vpa.containerRecommendationMaxAllowedCpu: "many" is not a quantity above zero such as 4 or 16Gi
trimtab.yaml: vpa.containerRecommendationMaxAllowedMemory: "0" is not a quantity above zero such as 4 or 16Gi
trimtab.yaml: vpa.ignoredVpaObjectNamespaces: excludes vpaObjectNamespace; keep one of them`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	var c Config
	c.SetDefaults()
	if _, err := New(c, Deps{}); err == nil || !strings.Contains(err.Error(), "a Prometheus server are needed") {
		t.Errorf("without a server: %v", err)
	}
	c.UpdateWorkerCount = 0
	if _, err := New(c, Deps{}); err == nil || !strings.Contains(err.Error(), "updateWorkerCount") {
		t.Errorf("with a bad configuration: %v", err)
	}
}

func TestCheckManifest(t *testing.T) {
	good := `
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  updatePolicy: {updateMode: "Off"}
  resourcePolicy:
    containerPolicies:
    - {containerName: "*", minAllowed: {cpu: 100m}, maxAllowed: {cpu: 1, memory: 1Gi}, controlledResources: [cpu]}
`
	if err := CheckManifest("f", []byte(good)); err != nil {
		t.Errorf("a good one: %v", err)
	}
	bad := `
spec:
  targetRef: {kind: Rollout, name: web}
  recommenders: [{name: a}, {name: b}]
  updatePolicy: {updateMode: Always, minReplicas: 0}
  resourcePolicy:
    containerPolicies:
    - {containerName: app, minAllowed: {cpu: 2}, maxAllowed: {cpu: 1}, mode: Always}
    - {containerName: app, controlledResources: [gpu]}
    - {}
`
	want := `f: spec.targetRef.kind: "Rollout" is not supported; supported are Deployment, StatefulSet, DaemonSet, ReplicaSet, Job and CronJob
f: spec.recommenders: has 2 entries; at most one is possible
f: spec.updatePolicy.updateMode: "Always" is not one of [Off Initial Recreate Auto InPlaceOrRecreate InPlace]
f: spec.updatePolicy.minReplicas: 0 is not above zero
f: spec.resourcePolicy.containerPolicies[0].mode: "Always" is not one of [Auto Off]
f: spec.resourcePolicy.containerPolicies[0].maxAllowed.cpu: 1 is less than minAllowed, 2
f: spec.resourcePolicy.containerPolicies[1].controlledResources: "gpu" is not one of [cpu memory]
f: spec.resourcePolicy.containerPolicies[2].containerName: is required; * is the policy of all others`
	if err := CheckManifest("f", []byte(bad)); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	// What the CRD's schema or the webhook bounds.
	bad = `
spec:
  targetRef: {kind: Job, name: web}
  updatePolicy:
    updateMode: Recreate
    evictAfterOOMSeconds: 0
    evictionRequirements: [{changeRequirement: Higher}, {resources: [cpu], changeRequirement: TargetHigherThanRequests}]
  resourcePolicy:
    containerPolicies:
    - {containerName: a, controlledValues: Requests, oomBumpUpRatio: 0.5, oomMinBumpUp: -1, memoryAggregationIntervalSeconds: 0, memoryAggregationIntervalCount: 0}
    - {containerName: b, controlledValues: RequestsOnly, oomBumpUpRatio: "1", oomMinBumpUp: 0, memoryAggregationIntervalSeconds: 1, memoryAggregationIntervalCount: 1}
`
	want = `f: spec.updatePolicy.evictAfterOOMSeconds: 0 is below 1
f: spec.updatePolicy.evictionRequirements[0].resources: is required
f: spec.updatePolicy.evictionRequirements[0].changeRequirement: "Higher" is not one of [TargetHigherThanRequests TargetLowerThanRequests]
f: spec.resourcePolicy.containerPolicies[0].controlledValues: "Requests" is not one of [RequestsAndLimits RequestsOnly]
f: spec.resourcePolicy.containerPolicies[0].oomBumpUpRatio: 500m is below 1
f: spec.resourcePolicy.containerPolicies[0].oomMinBumpUp: -1 is below 0
f: spec.resourcePolicy.containerPolicies[0].memoryAggregationIntervalSeconds: 0 is below 1
f: spec.resourcePolicy.containerPolicies[0].memoryAggregationIntervalCount: 0 is below 1`
	if err := CheckManifest("f", []byte(bad)); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for in, want := range map[string]string{
		"spec: {targetref: {}}":          `f: spec.targetref: unknown field; did you mean "targetRef"?`,
		"spec: {}":                       "spec.targetRef: is required",
		"spec: {targetRef: {kind: Job}}": "spec.targetRef.name: is required",
		"spec: [":                        "f: ",
		"spec: {targetRef: {kind: Job, name: a}, updatePolicy: {updateMode: Off}}": "f: spec.updatePolicy.updateMode: false is not a string",
	} {
		if err := CheckManifest("f", []byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}

// Each kind of target that is supported selects the pods by the labels that it is made with here.
func TestSelectorOfEachKind(t *testing.T) {
	at := metav1.ObjectMeta{Namespace: "shop", Name: "x"}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "x"}}}
	for kind, object := range map[string]client.Object{
		"Deployment":  &appsv1.Deployment{ObjectMeta: at, Spec: appsv1.DeploymentSpec{Selector: selector}},
		"StatefulSet": &appsv1.StatefulSet{ObjectMeta: at, Spec: appsv1.StatefulSetSpec{Selector: selector}},
		"DaemonSet":   &appsv1.DaemonSet{ObjectMeta: at, Spec: appsv1.DaemonSetSpec{Selector: selector}},
		"ReplicaSet":  &appsv1.ReplicaSet{ObjectMeta: at, Spec: appsv1.ReplicaSetSpec{Selector: selector}},
		"Job":         &batchv1.Job{ObjectMeta: at, Spec: batchv1.JobSpec{Selector: selector}},
		"CronJob":     &batchv1.CronJob{ObjectMeta: at, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}},
	} {
		ref := autoscaler("v", kind, "x").Spec.TargetRef
		ref.APIVersion = targetKinds()[kind].group + "/v1"
		s, err := selectorOf(t.Context(), newWorld(t, object).client, "shop", ref)
		if err != nil || !s.Matches(labels.Set{"app": "x", "more": "y"}) || s.Matches(labels.Set{"app": "y"}) {
			t.Errorf("%s: %v, %v", kind, s, err)
		}
	}
	empty := &batchv1.CronJob{ObjectMeta: at}
	ref := autoscaler("v", "CronJob", "x").Spec.TargetRef
	ref.APIVersion = "batch/v1"
	if _, err := selectorOf(t.Context(), newWorld(t, empty).client, "shop", ref); err == nil || !strings.Contains(err.Error(), "would match every pod of the namespace") {
		t.Errorf("a CronJob without labels: %v", err)
	}
}
