package manifest

import (
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
)

// What is wrong has its path, all of it at once, and the mend where there is one.
func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"nothing", `{kind: ScaledObject, metadata: {name: a, labels: {x: z}}, spec: {minReplicaCount: 1, triggers: [{type: cpu, metadata: {value: "1"}}]}}`, ""},
		{"two types", `{spec: {minReplicaCount: "1", cooldownPeriod: 60s, triggers: [{type: a}, {type: 5}]}}`,
			`f: spec.cooldownPeriod: "60s" is not a whole number
f: spec.minReplicaCount: "1" is not a whole number
f: spec.triggers[1].type: a number is not a string; put it in quotes`},
		{"no list", `{spec: {triggers: {type: a}}}`, `f: spec.triggers: a mapping is not a list`},
		{"no mapping", `{spec: [a]}`, `f: spec: a list is not a mapping`},
		{"a secret for a string", `{spec: {triggers: [{metadata: {password: 12345678, tls: {a: geheim}}}]}}`, `f: spec.triggers[0].metadata.password: a number is not a string; put it in quotes
f: spec.triggers[0].metadata.tls: a mapping is not a string; put it in quotes`},
		{"a secret for a mapping", `{spec: {triggers: [{metadata: geheim}]}}`, `f: spec.triggers[0].metadata: a text is not a mapping`},
		{"not true", `{spec: {triggers: [{useCachedMetrics: "yes"}]}}`, `f: spec.triggers[0].useCachedMetrics: "yes" is not true or false`},
		{"unknown", `{spec: {minReplicas: 1, triggers: [{metdata: {}}]}, stat: 1}`,
			`f: spec.minReplicas: unknown field; did you mean "minReplicaCount"?
f: spec.triggers[0].metdata: unknown field; did you mean "metadata"?
f: stat: unknown field; did you mean "status"?`},
		// encoding/json would take it, and the API server drops it.
		{"another case", `{spec: {minReplicacount: 1}}`, `f: spec.minReplicacount: unknown field; did you mean "minReplicaCount"?`},
		{"twice", "spec:\n  minReplicaCount: 1\n  minReplicaCount: 2\n", `f: spec.minReplicaCount: stands twice in one object; keep one`},
	} {
		got := ""
		if err := Decode("f", []byte(c.doc), new(keda.ScaledObject)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// A bare off is no string, and a quantity says nothing of where it stands.
func TestDecodeVerticalPodAutoscaler(t *testing.T) {
	const doc = `
spec:
  updatePolicy: {updateMode: Off}
  resourcePolicy:
    containerPolicies:
    - {containerName: a, minAllowed: {memory: 1GB}}
`
	const want = `f: spec.resourcePolicy.containerPolicies[0].minAllowed.memory: "1GB": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
f: spec.updatePolicy.updateMode: false is not a string; YAML reads on, off, yes and no like true and false: put it in quotes`
	err := Decode("f", []byte(doc), new(vpav1.VerticalPodAutoscaler))
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
