package clusterscaler

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

func decode(text string) (Config, error) {
	var c Config
	c.SetDefaults()
	err := config.Decode("f", []byte(text), &c)
	return c, err
}

// An empty section is cluster-autoscaler's defaults.
func TestDefaultsAreThePolicy(t *testing.T) {
	c, err := decode("")
	if err != nil {
		t.Fatal(err)
	}
	want := plan.DefaultPolicy()
	got := c.Policy()
	if len(got.Expanders) != 1 || got.Expanders[0] != want.Expanders[0] {
		t.Errorf("expanders %v", got.Expanders)
	}
	got.Expanders, want.Expanders = nil, nil
	if g, w := sprint(got), sprint(want); g != w {
		t.Errorf("policy\n%s, want\n%s", g, w)
	}
}

// Each bad file is paired with all of its messages.
func TestBadConfigurations(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"provider: gce", `f: provider: "gce" is unknown; known: kwok`},
		{"expander: [cheapest]", `f: expander[0]: "cheapest" is unknown; known: [least-nodes least-waste most-pods price priority random]`},
		{"expander: []", `f: expander: needs at least one of [least-nodes least-waste most-pods price priority random]`},
		{"namespace: Kube", `f: namespace: "Kube" is not the name of a namespace`},
		{"scanInterval: 10ms\nscaleDownUtilizationThreshold: 50\nmaxDrainParallelism: 0", `f: scanInterval: 10ms is below 1s
f: scaleDownUtilizationThreshold: 50 is not between 0 and 1
f: maxDrainParallelism: 0 is below 1`},
		{"coresTotal: '5'\nmemoryTotal: '7:6'", `f: coresTotal: "5" is not MIN:MAX with whole numbers, 0 <= MIN <= MAX and 0 < MAX, such as 0:1000
f: memoryTotal: "7:6" is not MIN:MAX with whole numbers`},
		{"groups: [{name: A, min: 3, max: 2, template: {capacity: {cpu: 4, memory: 4Gi}}}]", `f: groups[0].name: "A" cannot be part of a node's name: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
f: groups[0].max: min 3 and max 2: 0 <= min <= max must hold`},
		{"groups: [{name: a, template: {instanceType: m5.larg}}]", `f: groups[0].template.instanceType: "m5.larg" is not known (near: [m5.large`},
		{"groups: [{name: a, template: {capacity: {cpu: four}}}]", `f: groups[0].template.capacity.cpu: "four" is not a quantity such as 4, 500m or 16Gi
f: groups[0].template.capacity.cpu: is required where the instance type does not give it
f: groups[0].template.capacity.memory: is required where the instance type does not give it`},
		{"groups: [{name: a, template: {instanceType: m5.large, taints: [{key: x, effect: No}]}}]", `f: groups[0].template.taints[0].effect: "No" is none of [NoSchedule PreferNoSchedule NoExecute]`},
		{"groups: [{name: a, template: {instanceType: m5.large}}, {name: a, template: {instanceType: m5.large}}]", `f: groups[1].name: "a" is the name of groups[0] already`},
		{"groups: [{name: a, cni: {mode: bridge}, template: {instanceType: m5.large}}]", `f:1: groups[0].cni.mode: "bridge": unknown CNI mode; known: secondary-ip, prefix`},
		{"groups: [{name: a, cni: {reservedENIs: -1}, template: {instanceType: m5.large}}]", `f: groups[0].cni: reserved ENIs -1: must not be negative`},
	} {
		_, err := decode(c.in)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got: %v\nwant: %s", c.in, err, c.want)
		}
	}
}

// The pods of a node are capped by what the instance type's interfaces carry.
func TestTemplates(t *testing.T) {
	for _, c := range []struct {
		template, cni         string
		cpu, memory, pods     string // allocatable
		capacityCPU, capacity string
	}{
		{"{instanceType: c4.large}", "{}", "1930m", "2878Mi", "29", "2", "3840Mi"},
		{"{instanceType: m5.large}", "{}", "1930m", "", "29", "2", "8Gi"},
		{"{instanceType: m5.large}", "{customNetworking: true}", "1930m", "", "20", "2", "8Gi"},
		{"{instanceType: m5.large}", "{mode: prefix, cap: recommended}", "1930m", "", "110", "2", "8Gi"},
		{"{instanceType: m5.large, capacity: {pods: 58}}", "{}", "1930m", "", "58", "2", "8Gi"},
		{"{capacity: {cpu: 4, memory: 16Gi}}", "{}", "4", "16Gi", "110", "4", "16Gi"},
		{"{capacity: {cpu: 4, memory: 16Gi}, allocatable: {cpu: 3900m}}", "{}", "3900m", "16Gi", "110", "4", "16Gi"},
	} {
		cfg, err := decode("groups: [{name: a, cni: " + c.cni + ", template: " + c.template + "}]")
		if err != nil {
			t.Fatal(err)
		}
		status := cfg.Groups[0].kwok().Template.Status
		quantity := func(list corev1.ResourceList, name corev1.ResourceName) string { q := list[name]; return q.String() }
		for _, q := range []struct{ got, want string }{
			{quantity(status.Allocatable, corev1.ResourceCPU), c.cpu},
			{quantity(status.Allocatable, corev1.ResourceMemory), c.memory},
			{quantity(status.Allocatable, corev1.ResourcePods), c.pods},
			{quantity(status.Capacity, corev1.ResourceCPU), c.capacityCPU},
			{quantity(status.Capacity, corev1.ResourceMemory), c.capacity},
		} {
			if q.want != "" && q.got != q.want {
				t.Errorf("%s %s: %s, want %s", c.template, c.cni, q.got, q.want)
			}
		}
	}
}

func TestTemplateLabels(t *testing.T) {
	cfg, err := decode("groups: [{name: a, template: {instanceType: m6g.large, zone: eu-west-1a, labels: {disk: ssd}, taints: [{key: gpu, effect: NoSchedule}]}}]")
	if err != nil {
		t.Fatal(err)
	}
	node := cfg.Groups[0].kwok().Template
	for key, want := range map[string]string{
		"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64", "node.kubernetes.io/instance-type": "m6g.large",
		"topology.kubernetes.io/zone": "eu-west-1a", "disk": "ssd",
	} {
		if got := node.Labels[key]; got != want {
			t.Errorf("label %s=%s, want %s", key, got, want)
		}
	}
	if len(node.Spec.Taints) != 1 || node.Spec.Taints[0].Key != "gpu" {
		t.Errorf("taints %v", node.Spec.Taints)
	}
}
