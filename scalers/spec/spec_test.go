package spec

import (
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"sigs.k8s.io/yaml"
)

func defaults() Defaults {
	return Defaults{
		PollingInterval: 30 * time.Second, Cooldown: 300 * time.Second,
		Limits: Limits{PollingInterval: 2 * time.Second, Triggers: 100, Parameters: 100, Bytes: 64 << 10},
	}
}

// parse reads a ScaledObject as people write it; the header is the same for all.
func parse(t *testing.T, annotations, spec string) (Checked, error) {
	t.Helper()
	so := &keda.ScaledObject{}
	doc := "metadata: {namespace: shop, name: web, annotations: {" + annotations + "}}\nspec:\n  " + strings.ReplaceAll(spec, "\n", "\n  ")
	if err := yaml.UnmarshalStrict([]byte(doc), so); err != nil {
		t.Fatal(err)
	}
	return Parse(so, defaults())
}

const target = "scaleTargetRef: {name: web}\n"
const redis = "triggers: [{type: redis, metadata: {}}]\n"

func TestParseFillsInTheDefaults(t *testing.T) {
	c, err := parse(t, "", target+redis)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Replicas
	if r.Subject.String() != "scaledobject shop/web" || r.Min != 0 || r.Max != 100 || r.Idle != nil || r.Cooldown != 300*time.Second ||
		r.InitialCooldown != 0 || r.Fallback != nil || r.NoReadings || r.ForceActive || c.Interval != 30*time.Second ||
		c.Target.String() != "apps/v1, Kind=Deployment" || c.TargetName != "web" || c.Paused {
		t.Errorf("checked %+v", c)
	}
}

func TestParseTakesWhatIsWritten(t *testing.T) {
	c, err := parse(t, `autoscaling.keda.sh/paused-replicas: "3", autoscaling.keda.sh/force-activation: "true", autoscaling.keda.sh/paused-scale-in: "x"`, `
scaleTargetRef: {name: r, kind: Rollout, apiVersion: argoproj.io/v1alpha1}
pollingInterval: 5
cooldownPeriod: 60
initialCooldownPeriod: 7
minReplicaCount: 2
maxReplicaCount: 8
idleReplicaCount: 0
fallback: {failureThreshold: 3, replicas: 6}
triggers: [{type: cpu, metadata: {}}, {type: redis, metadata: {}}]`)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Replicas
	if r.Min != 2 || r.Max != 8 || *r.Idle != 0 || r.Cooldown != time.Minute || r.InitialCooldown != 7*time.Second ||
		r.Fallback.Replicas != 6 || r.Fallback.FailureThreshold != 3 || r.NoReadings || !r.ForceActive || !r.PauseIn || r.PauseOut ||
		c.Interval != 5*time.Second || c.Target.String() != "argoproj.io/v1alpha1, Kind=Rollout" || !c.Paused || *c.PausedAt != 3 {
		t.Errorf("checked %+v", c)
	}
	if c, err = parse(t, "", target+"triggers: [{type: memory, metadata: {}}]"); err != nil || !c.Replicas.NoReadings {
		t.Errorf("only memory: %+v, %v", c, err)
	}
}

// Each bad object is paired with all of its messages.
func TestParseReportsPathAndValue(t *testing.T) {
	for in, want := range map[string]string{
		"scaleTargetRef: {name: ''}\ntriggers: []":                                                                              "spec.triggers: at least one trigger is required\nspec.scaleTargetRef.name: is required",
		target + redis + "pollingInterval: 0\ncooldownPeriod: -1\nmaxReplicaCount: 0":                                           "spec.pollingInterval: 0 is below 1\nspec.cooldownPeriod: -1 is below 0\nspec.maxReplicaCount: 0 is below 1",
		target + redis + "minReplicaCount: 5\nmaxReplicaCount: 4":                                                               "spec.minReplicaCount: 5 is above maxReplicaCount, 4",
		target + redis + "idleReplicaCount: 0":                                                                                  "spec.idleReplicaCount: 0 must be below minReplicaCount, 0 by default",
		target + redis + "idleReplicaCount: 0\nminReplicaCount: 0":                                                              "",
		target + redis + "idleReplicaCount: 2\nminReplicaCount: 2":                                                              "spec.idleReplicaCount: 2 must be below minReplicaCount, 2",
		target + redis + "fallback: {failureThreshold: -1, replicas: -2}":                                                       "spec.fallback.failureThreshold: -1 is below 0\nspec.fallback.replicas: -2 is below 0",
		target + redis + "fallback: {failureThreshold: 1, replicas: 2, behavior: currentReplicas}":                              `spec.fallback.behavior: "currentReplicas" is not supported; supported: static`,
		target + "fallback: {failureThreshold: 1, replicas: 2}\ntriggers: [{type: redis, metricType: Value, metadata: {}}]":     `spec.triggers[0].metricType: "Value" is not supported; a fallback can stand in for AverageValue only`,
		target + "fallback: {failureThreshold: 1, replicas: 2}\ntriggers: [{type: cpu, metadata: {}}]":                          "spec.fallback: needs a trigger that is not cpu or memory",
		target + redis + "advanced: {restoreToOriginalReplicaCount: true}":                                                      `spec.advanced.restoreToOriginalReplicaCount: "true" is not supported; leave it out, the replicas then stay as they are when the ScaledObject is deleted`,
		target + redis + "advanced: {scalingModifiers: {formula: a+b, target: '1'}}":                                            `spec.advanced.scalingModifiers.formula: "a+b" is not supported; write one trigger that computes it at its source`,
		target + "triggers: [{type: redis, name: a, metadata: {}}, {type: cpu, name: a, useCachedMetrics: true, metadata: {}}]": "spec.triggers[1].name: \"a\" is the name of triggers[0] already\nspec.triggers[1].useCachedMetrics: true cannot be used with the type cpu",
		"scaleTargetRef: {name: web, apiVersion: a/b/c}\n" + redis:                                                              `spec.scaleTargetRef.apiVersion: "a/b/c" is not a group and version`,
		target + redis + "advanced: {horizontalPodAutoscalerConfig: {name: " + strings.Repeat("x", 64) + "}}":                   `spec.advanced.horizontalPodAutoscalerConfig.name: "` + strings.Repeat("x", 64) + `" has more than 63 characters`,
	} {
		_, err := parse(t, "", in)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\n got: %s\nwant: %s", in, got, want)
		}
	}
	// The name is the value of a label of the HPA, also where the HPA has a short name of its own.
	long := &keda.ScaledObject{}
	long.Name = strings.Repeat("x", 64)
	long.Spec.ScaleTargetRef = &keda.ScaleTarget{Name: "web"}
	long.Spec.Triggers = []keda.ScaleTriggers{{Type: "redis"}}
	long.Spec.Advanced = &keda.AdvancedConfig{HorizontalPodAutoscalerConfig: &keda.HorizontalPodAutoscalerConfig{Name: "short"}}
	want := `metadata.name: "` + long.Name + `" has more than 63 characters; it is the value of a label of the HPA, so give the object a shorter name`
	if _, err := Parse(long, defaults()); err == nil || err.Error() != want {
		t.Errorf("a long name: %v\nwant: %s", err, want)
	}
	for _, bad := range []string{"x", "-1", ""} {
		if _, err := parse(t, `autoscaling.keda.sh/paused-replicas: "`+bad+`"`, target+redis); err == nil || !strings.Contains(err.Error(), "is not a number of replicas") {
			t.Errorf("paused-replicas %q: %v", bad, err)
		}
	}
}
