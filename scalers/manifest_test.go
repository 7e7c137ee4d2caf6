package scalers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/scalers/spec"
)

// What the running part refuses whatever the cluster holds, the check of a file refuses in the same words.
func TestACheckRefusesWhatTheLoopRefuses(t *testing.T) {
	const object = `
metadata: {name: web, namespace: shop, uid: u1, generation: 1}
spec:
  scaleTargetRef: {name: web}
  triggers: [{type: redis, metadata: {address: "redis:6379", listName: orders}, authenticationRef: {name: auth}}]
`
	fine := keda.TriggerAuthenticationSpec{}
	for name, c := range map[string]struct {
		change func(*keda.ScaledObject)
		auth   keda.TriggerAuthenticationSpec
		// ofAuth says that it is the TriggerAuthentication that is refused.
		ofAuth bool
	}{
		"no triggers":      {func(so *keda.ScaledObject) { so.Spec.Triggers = nil }, fine, false},
		"bounds":           {func(so *keda.ScaledObject) { so.Spec.MinReplicaCount = new(int32(101)) }, fine, false},
		"unsupported type": {func(so *keda.ScaledObject) { so.Spec.Triggers[0].Type = "kafka" }, fine, false},
		"wrong parameter":  {func(so *keda.ScaledObject) { so.Spec.Triggers[0].Metadata["listLength"] = "y" }, fine, false},
		"cluster authentication": {func(so *keda.ScaledObject) {
			so.Spec.Triggers[0].AuthenticationRef.Kind = "ClusterTriggerAuthentication"
		}, fine, false},
		"nameless": {func(so *keda.ScaledObject) { so.Spec.Triggers[0].AuthenticationRef.Name = "" }, fine, false},
		"pod identity": {func(*keda.ScaledObject) {}, keda.TriggerAuthenticationSpec{
			PodIdentity: &keda.AuthPodIdentity{Provider: keda.PodIdentityProviderAws},
		}, true},
		"environment": {func(*keda.ScaledObject) {}, keda.TriggerAuthenticationSpec{Env: []keda.AuthEnvironment{{Parameter: "a", Name: "A"}}}, true},
		"no key": {func(*keda.ScaledObject) {}, keda.TriggerAuthenticationSpec{
			SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "a", Name: "s"}},
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			so := scaledObject(t, object)
			c.change(so)
			ta := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: c.auth}
			check := func(kind string, o any) error {
				doc, err := yaml.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				_, err = CheckManifest("f", kind, doc, nil)
				return err
			}
			ofObject, ofAuth := check("ScaledObject", so), check("TriggerAuthentication", ta)
			if (ofObject == nil) != c.ofAuth || (ofAuth == nil) == c.ofAuth {
				t.Fatalf("the ScaledObject is refused for %v, the TriggerAuthentication for %v", ofObject, ofAuth)
			}
			said := ofObject
			if c.ofAuth {
				said = ofAuth
			}
			h := newHarness(t, so, ta)
			delete(h.triggers.sources, "queue") // which is of the harness alone
			h.poll(0)
			if got, want := h.condition(keda.ConditionReady), strings.TrimPrefix(said.Error(), "f: "); !strings.HasSuffix(got, want) {
				t.Errorf("Ready is\n %s, and the check says\n %s", got, want)
			}
		})
	}
}

// A mistake beside the metadata hides none in it, and a name with a colon is no part of what is said.
func TestACheckTellsAllMistakesOfATrigger(t *testing.T) {
	doc := `
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {name: web}
  triggers:
  - {type: redis, name: "jobs: all", metricType: Utilization, metadata: {address: redis}, authenticationRef: {kind: Other, name: a}}
  - {type: cpu, metadata: {type: Utilization}}
`
	_, err := CheckManifest("f", "ScaledObject", []byte(doc), nil)
	ps, _ := errors.AsType[config.Problems](err)
	var got []string
	for _, p := range ps {
		got = append(got, p.Path+" | "+p.Message)
	}
	want := []string{
		`trigger 0 (redis, "jobs: all") | authenticationRef.kind: "Other" is not supported; supported: TriggerAuthentication`,
		`trigger 0 (redis, "jobs: all") | metricType: "Utilization" cannot be used with an external metric; write AverageValue or Value`,
		`trigger 0 (redis, "jobs: all") | listName: is required`,
		`trigger 0 (redis, "jobs: all") | address: redis is not host:port; write it with a port, and without scheme, credentials and path`,
		`trigger 1 (cpu) | value: is required`,
		`trigger 1 (cpu) | type: is refused, as by KEDA since 2.18; write metricType beside metadata`,
		`trigger 1 (cpu) | metricType: "" cannot be used with the type cpu; write Utilization or AverageValue`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The mistakes that are only counted stand where the last one does.
func TestACheckSaysWhereMoreMistakesAre(t *testing.T) {
	var doc strings.Builder
	doc.WriteString("metadata: {name: web, namespace: shop}\nspec:\n  scaleTargetRef: {name: web}\n  triggers:\n")
	for i := range 13 {
		fmt.Fprintf(&doc, "  - {type: redis, metadata: {address: \"redis:6379\", listName: l%d, listLength: x}}\n", i)
	}
	_, err := CheckManifest("f", "ScaledObject", []byte(doc.String()), nil)
	ps, _ := errors.AsType[config.Problems](err)
	want := config.Problem{File: "f", Path: "trigger 9 (redis)", Message: "and 3 more"}
	if len(ps) != 11 || ps[10] != want {
		t.Errorf("got %d: %v", len(ps), ps)
	}
}

// What the running part ignores, as KEDA does, the check of a file warns of in the same words.
func TestACheckWarnsOfWhatTheLoopIgnores(t *testing.T) {
	so := scaledObject(t, `
metadata: {name: web, namespace: shop, uid: u1, generation: 1}
spec:
  scaleTargetRef: {name: web}
  triggers:
  - {type: prometheus, metadata: {serverAddress: "http://10.1.2.3", query: up, threshold: "5", metricName: m, treshold: "6"}}
  - {type: cpu, metricType: Utilization, metadata: {value: "50", odd: x}}
`)
	doc, err := yaml.Marshal(so)
	if err != nil {
		t.Fatal(err)
	}
	warnings, err := CheckManifest("f", "ScaledObject", doc, nil)
	const want = "f: trigger 0 (prometheus): metricName: is ignored, as by KEDA since 2.12: the metric has the name of the trigger's type; take it out\n" +
		"f: trigger 0 (prometheus): treshold: unknown parameter, ignored as by KEDA; did you mean \"threshold\"?\n" +
		"f: trigger 1 (cpu): odd: unknown parameter, ignored as by KEDA; known here: value, containerName"
	if err != nil || warnings.Error() != want {
		t.Fatalf("got %v\n%s\nwant\n%s", err, warnings.Error(), want)
	}
	h := newHarness(t, so)
	checked, err := h.triggers.sources.check(spec.OwnerOf(so), make([]map[string]string, 2), time.Minute)
	if err != nil || strings.Join(checked.warnings, "\n") != strings.ReplaceAll(want, "f: ", "") {
		t.Errorf("the loop warns %q, %v", checked.warnings, err)
	}
}

// An object with an unknown key scales as it does for KEDA; its owner reads of the key.
func TestAnUnknownKeyIsTold(t *testing.T) {
	so := scaledObject(t, web)
	so.Spec.Triggers[0].Metadata["metricName"] = "geheim"
	h := newHarness(t, so)
	h.set("a", 9)
	h.poll(0)
	const want = `trigger 0 (queue): metricName: unknown parameter, ignored as by KEDA; known here: key, target, timeout`
	if got := h.condition(keda.ConditionReady); got != "True ScaledObjectReady: every trigger can be read and the target can be scaled; warnings: "+want || h.replicas["web"] != 1 {
		t.Errorf("Ready %s, %d replicas", got, h.replicas["web"])
	}
	if got := h.events(); !strings.Contains(got, "Warning KEDAScalerInfo") {
		t.Errorf("events %s", got)
	}
}
