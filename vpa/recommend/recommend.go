package recommend

import (
	"maps"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Settings are the same for all VPAs.
type Settings struct {
	CPU, Memory Percentiles
	// MarginFraction is added to every percentile: 0.15 is 15%.
	MarginFraction float64
	// PodMinCPUMilli and PodMinMemoryMB (MiB) are divided among the containers of a pod.
	PodMinCPUMilli, PodMinMemoryMB float64
	// Amounts are rounded up to a multiple of RoundCPUMilli and RoundMemoryBytes.
	RoundCPUMilli, RoundMemoryBytes int64
	// MaxAllowed is used where a resource policy sets no maximum.
	MaxAllowed corev1.ResourceList
	// IntegerCPU enables the annotation for whole cores.
	IntegerCPU bool
}

// Container is the data on one container of a VPA's pods.
type Container struct {
	// Usage is nil when it was never observed.
	Usage *Usage
	// Gone says that no pod has the container any more, although the pods have others.
	Gone bool
}

// Input is one VPA and the data on its pods.
type Input struct {
	// Subject names the VPA in verdicts: "vpa default/web".
	Subject     verdict.Subject
	Annotations map[string]string
	Policy      *vpav1.PodResourcePolicy
	Containers  map[string]Container
	// Previous is the earlier recommendation. It is kept where nothing is known now.
	Previous []vpav1.RecommendedContainerResources
}

// Recommend returns a recommendation for each container that has one, sorted by name, and a verdict on every container.
// Previous is not changed.
func Recommend(s *Settings, in Input) ([]vpav1.RecommendedContainerResources, []verdict.Verdict) {
	var out []vpav1.RecommendedContainerResources
	var verdicts []verdict.Verdict
	names := slices.Sorted(maps.Keys(in.Containers))
	on := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return isOff(policyOf(in.Policy, name)) })
	for _, name := range names {
		subject := in.Subject.Part("container", name)
		if !slices.Contains(on, name) {
			verdicts = append(verdicts, verdict.Because(subject, ContainerOff))
			continue
		}
		one := containerRun{
			settings: s, name: name, policy: policyOf(in.Policy, name), share: len(on),
			wholeCores: s.IntegerCPU && in.Annotations[integerCPUPrefix+name+integerCPUSuffix] == "true",
		}
		if !in.Containers[name].Gone {
			one.previous = find(in.Previous, name)
		}
		v, ok := one.recommend(in.Containers[name].Usage)
		if v.Subject = subject; ok {
			out = append(out, one.result)
		}
		verdicts = append(verdicts, v)
	}
	return out, verdicts
}

func find(all []vpav1.RecommendedContainerResources, name string) *vpav1.RecommendedContainerResources {
	for i := range all {
		if all[i].ContainerName == name {
			return &all[i]
		}
	}
	return nil
}

// containerRun is the recommendation of one container during its computation.
type containerRun struct {
	settings   *Settings
	name       string
	policy     *vpav1.ContainerResourcePolicy
	share      int // the number of containers that share the pod's minimum
	wholeCores bool
	previous   *vpav1.RecommendedContainerResources
	result     vpav1.RecommendedContainerResources

	raised  bool     // the pod's minimum is one of the targets
	missing []string // resources without samples
	facts   verdict.Facts
}

// recommend fills result. It is false if there is nothing to recommend.
func (c *containerRun) recommend(u *Usage) (verdict.Verdict, bool) {
	c.result = vpav1.RecommendedContainerResources{
		ContainerName: c.name,
		Target:        corev1.ResourceList{}, LowerBound: corev1.ResourceList{},
		UpperBound: corev1.ResourceList{}, UncappedTarget: corev1.ResourceList{},
	}
	if controls(c.policy, corev1.ResourceCPU) {
		if u != nil && !u.CPU.Empty() {
			c.put(corev1.ResourceCPU, c.settings.cpu(u, c.share))
		} else {
			c.keep(corev1.ResourceCPU)
		}
	}
	if controls(c.policy, corev1.ResourceMemory) {
		if u != nil && !u.Memory.Empty() {
			c.put(corev1.ResourceMemory, c.settings.memory(u, c.share))
		} else {
			c.keep(corev1.ResourceMemory)
		}
	}
	r := &c.result
	if c.wholeCores {
		wholeCores(r.Target, r.LowerBound, r.UpperBound, r.UncappedTarget)
	}
	allowed := limitsOf(c.policy, c.settings.MaxAllowed)
	for _, list := range []corev1.ResourceList{r.Target, r.LowerBound, r.UpperBound} {
		allowed.apply(list)
	}
	return c.verdict(u), len(r.Target) > 0
}

func (c *containerRun) put(name corev1.ResourceName, e Estimate) {
	c.result.Target[name] = c.settings.quantity(name, e.Target.Value)
	c.result.LowerBound[name] = c.settings.quantity(name, e.Lower.Value)
	c.result.UpperBound[name] = c.settings.quantity(name, e.Upper.Value)
	c.result.UncappedTarget[name] = c.settings.quantity(name, e.Target.Value)
	c.raised = c.raised || e.Target.Raised()
	c.facts = append(c.facts, terms(name, e)...)
}

// keep copies the earlier recommendation, since nothing newer is known.
func (c *containerRun) keep(name corev1.ResourceName) {
	c.missing = append(c.missing, string(name))
	if c.previous == nil {
		return
	}
	uncapped, ok := c.previous.UncappedTarget[name]
	if !ok {
		return
	}
	c.result.UncappedTarget[name], c.result.Target[name] = uncapped, uncapped
	if q, ok := c.previous.LowerBound[name]; ok {
		c.result.LowerBound[name] = q
	}
	if q, ok := c.previous.UpperBound[name]; ok {
		c.result.UpperBound[name] = q
	}
}

func (c *containerRun) verdict(u *Usage) verdict.Verdict {
	var head verdict.Facts
	code := Recommended
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		target, ok := c.result.Target[name]
		if !ok {
			continue
		}
		head = append(head, fact(name, "", toAmount(name, target)))
		if uncapped := c.result.UncappedTarget[name]; target.Cmp(uncapped) != 0 {
			code = CappedByPolicy
			head = append(head, fact(name, " before policy", toAmount(name, uncapped)))
		}
	}
	if code == Recommended && c.raised {
		code = RaisedToMinimum
	}
	if len(c.missing) > 0 {
		code = NoSamples
		head = append(head, verdict.Text("no samples of", strings.Join(c.missing, " and ")))
	}
	if u != nil {
		head = append(head, verdict.Number("samples", u.Samples))
	}
	return verdict.Verdict{Code: code, Facts: append(head, c.facts...)}
}

// terms are the terms of an estimate as facts.
func terms(name corev1.ResourceName, e Estimate) verdict.Facts {
	fs := verdict.Facts{
		fact(name, " percentile", e.Target.Percentile),
		fact(name, " margin", e.Target.Margin),
	}
	if e.Target.Raised() {
		fs = append(fs, fact(name, " minimum", e.Target.Floor))
	}
	return append(fs,
		fact(name, " lower bound", e.Lower.Value), verdict.Number(string(name)+" lower multiplier", short(e.Lower.Multiplier)),
		fact(name, " upper bound", e.Upper.Value), verdict.Number(string(name)+" upper multiplier", short(e.Upper.Multiplier)),
		verdict.Number(string(name)+" confidence", short(e.Confidence)))
}

// short rounds to three decimal places for people.
func short(v float64) float64 { return math.Round(v*1000) / 1000 }

func fact(name corev1.ResourceName, what string, v int64) verdict.Fact {
	if name == corev1.ResourceCPU {
		return verdict.Milli(string(name)+what, v)
	}
	return verdict.Bytes(string(name)+what, v)
}
