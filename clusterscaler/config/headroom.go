package config

import (
	"fmt"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/config"
)

// Headroom is room that is kept for pods to come. No pod is made for it.
type Headroom struct {
	// Name is what verdicts call it. Required.
	Name string `yaml:"name"`
	// Count is for how many pods there is to be room. Required.
	Count int `yaml:"count"`
	// Requests are what each requests, quantities such as {cpu: 500m, memory: 1Gi}. Required.
	Requests map[string]string `yaml:"requests"`
	// NodeSelector and Tolerations are those of such a pod. Defaults none.
	NodeSelector map[string]string `yaml:"nodeSelector"`
	Tolerations  []Toleration      `yaml:"tolerations"`
	// Priority says which headroom has its part first where there cannot be enough for all. Default 0.
	Priority int32 `yaml:"priority"`
}

// Toleration is one of a pod's.
type Toleration struct {
	Key string `yaml:"key"`
	// Operator is Equal (default) or Exists.
	Operator string `yaml:"operator"`
	Value    string `yaml:"value"`
	// Effect is NoSchedule, PreferNoSchedule or NoExecute. Default: every effect.
	Effect string `yaml:"effect"`
}

// maxHeadroom bounds the pods of one headroom: as many are placed in every loop.
const maxHeadroom = 10_000

// Validate checks what the types cannot.
func (h *Headroom) Validate() config.Problems {
	var ps config.Problems
	if problems := validation.IsDNS1123Label(h.Name); len(problems) > 0 {
		ps.Add("name", "%q is no name of a headroom: %s", h.Name, problems[0])
	}
	if h.Count < 1 || h.Count > maxHeadroom {
		ps.Add("count", "%d is not between 1 and %d", h.Count, maxHeadroom)
	}
	if len(h.Requests) == 0 {
		ps.Add("requests", "is required: what each pod requests, such as {cpu: 500m, memory: 1Gi}")
	}
	for name, text := range h.Requests {
		q, err := resource.ParseQuantity(text)
		if err != nil || q.Sign() <= 0 || q.Cmp(*resource.NewQuantity(math.MaxInt64/2000, resource.DecimalSI)) > 0 {
			ps.Add("requests."+name, "%q is not a quantity such as 4, 500m or 16Gi", text)
		}
		if name == string(corev1.ResourcePods) {
			ps.Add("requests."+name, "is not what a pod requests; write count")
		}
	}
	for key, value := range h.NodeSelector {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
			ps.Add("nodeSelector."+key, "%q: %s", value, problems[0])
		}
	}
	for i := range h.Tolerations {
		h.Tolerations[i].validate(fmt.Sprintf("tolerations[%d]", i), &ps)
	}
	return ps
}

func (t *Toleration) validate(path string, ps *config.Problems) {
	operators := []string{"", string(corev1.TolerationOpEqual), string(corev1.TolerationOpExists)}
	effects := []string{"", string(corev1.TaintEffectNoSchedule), string(corev1.TaintEffectPreferNoSchedule), string(corev1.TaintEffectNoExecute)}
	exists := t.Operator == string(corev1.TolerationOpExists)
	switch {
	case !slices.Contains(operators, t.Operator):
		ps.Add(path+".operator", "%q is none of %s", t.Operator, strings.Join(operators[1:], ", "))
	case !slices.Contains(effects, t.Effect):
		ps.Add(path+".effect", "%q is none of %s", t.Effect, strings.Join(effects[1:], ", "))
	case exists && t.Value != "":
		ps.Add(path+".value", "%q: with the operator Exists there is none", t.Value)
	case !exists && t.Key == "":
		ps.Add(path+".key", "is required with the operator Equal")
	}
}

// validateHeadroom finds names that stand twice.
func (c *Config) validateHeadroom(ps *config.Problems) {
	first := map[string]int{}
	for i, h := range c.Headroom {
		if j, twice := first[h.Name]; twice {
			ps.Add(fmt.Sprintf("headroom[%d].name", i), "%q is the name of headroom[%d] already", h.Name, j)
			continue
		}
		first[h.Name] = i
	}
}

// headroom is the configuration's in the core's terms.
func (c *Config) headroom() []plan.Headroom {
	var out []plan.Headroom
	for i := range c.Headroom {
		h := &c.Headroom[i]
		out = append(out, plan.Headroom{Name: h.Name, Count: h.Count, Priority: h.Priority, Spec: h.spec()})
	}
	return out
}

// spec is what each of the pods asks for.
func (h *Headroom) spec() scheduling.Spec {
	requests := corev1.ResourceList{}
	for name, text := range h.Requests {
		requests[corev1.ResourceName(name)], _ = resource.ParseQuantity(text) // the configuration is valid
	}
	var pod corev1.Pod
	pod.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: requests}}}
	pod.Spec.NodeSelector = h.NodeSelector
	for _, t := range h.Tolerations {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
			Key: t.Key, Operator: corev1.TolerationOperator(t.Operator), Value: t.Value, Effect: corev1.TaintEffect(t.Effect),
		})
	}
	return scheduling.SpecOf(&pod)
}
