package recommend

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"time"

	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
)

func recommendation(target, lower, upper string) []vpav1.RecommendedContainerResources {
	return []vpav1.RecommendedContainerResources{{
		ContainerName: "app",
		Target:        list(map[string]string{"cpu": target}, ""), UncappedTarget: list(map[string]string{"cpu": target}, ""),
		LowerBound: list(map[string]string{"cpu": lower}, ""), UpperBound: list(map[string]string{"cpu": upper}, ""),
	}}
}

func describe(s vpav1.VerticalPodAutoscalerStatus) string {
	var words []string
	for _, c := range s.Conditions {
		words = append(words, strings.TrimSpace(fmt.Sprintf("%s=%s@%s %s", c.Type, c.Status, c.LastTransitionTime.Sub(start()), c.Message)))
	}
	return strings.Join(words, "; ")
}

// One VPA through its life; each line is what a round found and the conditions that it leaves.
func TestConditionsOverALife(t *testing.T) {
	var status vpav1.VerticalPodAutoscalerStatus
	for i, round := range []struct {
		found Outcome
		want  string
	}{
		{Outcome{}, "NoPodsMatched=True@0s No pods match this VPA object; RecommendationProvided=False@0s No pods match this VPA object"},
		{Outcome{Pods: 2}, "RecommendationProvided=False@0s"},
		{Outcome{Pods: 2, Containers: recommendation("1", "1", "2")}, "RecommendationProvided=True@2h0m0s"},
		{Outcome{Pods: 2, Containers: recommendation("2", "1", "2")}, "RecommendationProvided=True@2h0m0s"},
		{Outcome{Containers: recommendation("2", "1", "2")}, "NoPodsMatched=True@4h0m0s No pods match this VPA object; RecommendationProvided=True@2h0m0s"},
		{Outcome{Unsupported: "no such Deployment", Containers: recommendation("2", "1", "2")},
			"ConfigUnsupported=True@5h0m0s no such Deployment; NoPodsMatched=True@4h0m0s No pods match this VPA object; RecommendationProvided=True@2h0m0s"},
		{Outcome{Pods: 1}, "RecommendationProvided=False@6h0m0s"},
	} {
		status = NextStatus(status, int64(i), round.found, start().Add(time.Duration(i)*time.Hour))
		if got := describe(status); got != round.want {
			t.Errorf("round %d: %s\nwant %s", i, got, round.want)
		}
		if *status.ObservedGeneration != int64(i) {
			t.Errorf("round %d observed generation %d", i, *status.ObservedGeneration)
		}
	}
}

func TestNextStatusKeepsItsInputAndDropsConfigDeprecated(t *testing.T) {
	old := vpav1.VerticalPodAutoscalerStatus{Conditions: []vpav1.VerticalPodAutoscalerCondition{
		{Type: vpav1.LowConfidence, Status: "True"}, {Type: vpav1.ConfigDeprecated, Status: "True"},
	}}
	next := NextStatus(old, 1, Outcome{Pods: 1}, start())
	if len(old.Conditions) != 2 || len(next.Conditions) != 2 || !Condition(next, vpav1.LowConfidence) || Condition(next, vpav1.ConfigDeprecated) {
		t.Errorf("old %v, next %v", old.Conditions, next.Conditions)
	}
}

func TestOnlyWhatMattersIsWorthWriting(t *testing.T) {
	base := func(target, lower, upper string) Outcome {
		return Outcome{Pods: 1, Containers: recommendation(target, lower, upper)}
	}
	old := NextStatus(vpav1.VerticalPodAutoscalerStatus{}, 1, base("100m", "90m", "200m"), start())
	for _, c := range []struct {
		what       string
		generation int64
		found      Outcome
		age        time.Duration
		want       bool
	}{
		{"nothing changed, for a day", 1, base("100m", "90m", "200m"), 24 * time.Hour, false},
		{"the target by a milli-core", 1, base("101m", "90m", "200m"), time.Minute, true},
		{"a bound by a percent", 1, base("100m", "90m", "202m"), time.Minute, false},
		{"a bound by a percent, long ago", 1, base("100m", "90m", "202m"), 10 * time.Minute, true},
		{"a bound by more than a percent", 1, base("100m", "90m", "203m"), time.Minute, true},
		{"a bound is gone", 1, Outcome{Pods: 1, Containers: []vpav1.RecommendedContainerResources{{ContainerName: "app",
			Target: recommendation("100m", "1", "1")[0].Target, UncappedTarget: recommendation("100m", "1", "1")[0].Target}}}, time.Minute, true},
		{"a condition", 1, Outcome{Containers: recommendation("100m", "90m", "200m")}, time.Minute, true},
		{"the generation", 2, base("100m", "90m", "200m"), time.Minute, true},
		{"a container is gone", 1, Outcome{Pods: 1}, time.Minute, true},
	} {
		next := NextStatus(old, c.generation, c.found, start().Add(c.age))
		if got := WorthWriting(old, next, c.age, 10*time.Minute); got != c.want {
			t.Errorf("%s: worth writing %v, want %v", c.what, got, c.want)
		}
	}
}

// Codes must list each constant of codes.go, in its order, each with a meaning.
func TestCodesAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			declared = append(declared, spec.Names[0].Name)
		}
		return true
	})
	documented := Codes()
	if len(documented) != len(declared) {
		t.Fatalf("%d codes are documented, %d declared", len(documented), len(declared))
	}
	for i, d := range documented {
		if string(d.Code) != declared[i] || d.Meaning == "" || strings.HasSuffix(d.Meaning, ".") {
			t.Errorf("code %d is %q (%q), declared is %s", i, d.Code, d.Meaning, declared[i])
		}
	}
}

func TestConditionsAreShortLines(t *testing.T) {
	next := NextStatus(vpav1.VerticalPodAutoscalerStatus{}, 1, Outcome{Unsupported: strings.Repeat("webhook\n", 1<<19)}, start())
	for _, c := range next.Conditions {
		if len(c.Message) > 1024 || strings.Contains(c.Message, "\n") {
			t.Errorf("%s: %d bytes", c.Type, len(c.Message))
		}
	}
}
