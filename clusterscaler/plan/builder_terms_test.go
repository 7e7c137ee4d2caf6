package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// terms reads what a pod is to others, and asks of them: "is=app:web", "near=app:db@zone", "apart=app:web@host",
// "spread=app:web@zone/1", with "minDomains=2".
func (b *builder) terms(s *scheduling.Spec, name string, f fields) {
	s.Namespace, _, _ = strings.Cut(name, "/")
	s.Labels = pairs(f["is"])
	for _, text := range split(f["near"]) {
		s.PodAffinity = append(s.PodAffinity, podTerm(s.Namespace, text))
	}
	for _, text := range split(f["apart"]) {
		s.PodAntiAffinity = append(s.PodAntiAffinity, podTerm(s.Namespace, text))
	}
	for _, text := range split(f["spread"]) {
		text, honor := strings.CutSuffix(text, "/honor")
		slash := strings.LastIndex(text, "/")
		text, skew := text[:slash], text[slash+1:]
		n, err := strconv.ParseInt(skew, 10, 32)
		if err != nil {
			b.t.Fatalf("spread: %v", err)
		}
		t := podTerm(s.Namespace, text)
		s.TopologySpread = append(s.TopologySpread, scheduling.TopologySpreadConstraint{TopologyKey: t.TopologyKey, MaxSkew: int32(n), MinDomains: int32(b.number(f, "minDomains", 1)), HonorTaints: honor, Pods: t.Pods.Labels})
	}
}

// podTerm reads "app:web@zone"; host stands for the label of the host name.
func podTerm(namespace, text string) scheduling.PodAffinityTerm {
	label, key, _ := strings.Cut(text, "@") // the key may hold a slash
	if key == "host" {
		key = "kubernetes.io/hostname"
	}
	name, value, _ := strings.Cut(label, ":")
	return scheduling.PodAffinityTerm{TopologyKey: key, Pods: scheduling.PodSelector{
		Namespaces: []string{namespace},
		Labels:     scheduling.LabelSelector{All: []scheduling.Requirement{{Key: name, Operator: scheduling.In, Values: []string{value}}}},
	}}
}

// bounds reads "2:8".
func bounds(t *testing.T, text string, unit int64) Range {
	var r Range
	if _, err := fmt.Sscanf(text, "%d:%d", &r.Min, &r.Max); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return Range{Min: r.Min * unit, Max: r.Max * unit}
}

// priorities reads "20:^spot,10:.*".
func priorities(t *testing.T, text string) []Priority {
	var out []Priority
	for _, tier := range split(text) {
		value, expression, _ := strings.Cut(tier, ":")
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Priority{Value: n, Groups: []*regexp.Regexp{regexp.MustCompile(expression)}})
	}
	return out
}
