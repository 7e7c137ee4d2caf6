package vpa

import (
	"strings"
	"testing"
)

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
