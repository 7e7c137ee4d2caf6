package group

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/internal/config"
)

// whole is a group with its template.
type whole struct {
	Group    `yaml:",inline"`
	Template Template `yaml:"template"`
}

// Validate checks what the types cannot.
func (w *whole) Validate() config.Problems {
	d, ps := w.Described(w.Template)
	return append(ps, d.Template.Check(&w.CNI)...)
}

func decode(text string) (whole, error) {
	var g whole
	g.SetDefaults()
	err := config.Decode("f", []byte(text), &g)
	return g, err
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
		g, err := decode("{name: a, cni: " + c.cni + ", template: " + c.template + "}")
		if err != nil {
			t.Fatal(err)
		}
		status := g.Template.Node(&g.CNI).Status
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
	g, err := decode("{name: a, template: {instanceType: m6g.large, zone: eu-west-1a, labels: {disk: ssd}, declaredFeatures: [B, A], taints: [{key: gpu, effect: NoSchedule}]}}")
	if err != nil {
		t.Fatal(err)
	}
	node := g.Template.Node(&g.CNI)
	for key, want := range map[string]string{
		"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64", "node.kubernetes.io/instance-type": "m6g.large",
		"topology.kubernetes.io/zone": "eu-west-1a", "topology.ebs.csi.aws.com/zone": "eu-west-1a", "disk": "ssd",
	} {
		if got := node.Labels[key]; got != want {
			t.Errorf("label %s=%s, want %s", key, got, want)
		}
	}
	if got := node.Status.DeclaredFeatures; len(got) != 2 || got[0] != "A" { // the API server wants them in order
		t.Errorf("features %v", got)
	}
	if len(node.Spec.Taints) != 1 || node.Spec.Taints[0].Key != "gpu" {
		t.Errorf("taints %v", node.Spec.Taints)
	}
}

// A new node has each label that Kubernetes has renamed by its old name too, however its template came to be. Only on AWS
// it has the zone of EBS volumes.
func TestNodeLabels(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"{instanceType: m6g.large, zone: eu-west-1a, region: eu-west-1}",
			`beta.kubernetes.io/arch=arm64 beta.kubernetes.io/instance-type=m6g.large beta.kubernetes.io/os=linux failure-domain.beta.kubernetes.io/region=eu-west-1
			failure-domain.beta.kubernetes.io/zone=eu-west-1a kubernetes.io/arch=arm64 kubernetes.io/hostname=n kubernetes.io/os=linux node.kubernetes.io/instance-type=m6g.large
			topology.ebs.csi.aws.com/zone=eu-west-1a topology.kubernetes.io/region=eu-west-1 topology.kubernetes.io/zone=eu-west-1a`},
		{"{instanceType: n2-standard-4, zone: europe-west1-b, capacity: {cpu: 4, memory: 16Gi}}",
			`beta.kubernetes.io/arch=amd64 beta.kubernetes.io/instance-type=n2-standard-4 beta.kubernetes.io/os=linux failure-domain.beta.kubernetes.io/zone=europe-west1-b
			kubernetes.io/arch=amd64 kubernetes.io/hostname=n kubernetes.io/os=linux node.kubernetes.io/instance-type=n2-standard-4 topology.kubernetes.io/zone=europe-west1-b`},
		{"{capacity: {cpu: 4, memory: 16Gi}, labels: {kubernetes.io/os: windows, beta.kubernetes.io/os: linux}}", // as cluster-autoscaler, which overwrites it
			"beta.kubernetes.io/arch=amd64 beta.kubernetes.io/os=windows kubernetes.io/arch=amd64 kubernetes.io/hostname=n kubernetes.io/os=windows"},
		{"{instanceType: m5.large, zone: eu-west-1a, labels: {topology.ebs.csi.aws.com/zone: by-hand}}",
			`beta.kubernetes.io/arch=amd64 beta.kubernetes.io/instance-type=m5.large beta.kubernetes.io/os=linux failure-domain.beta.kubernetes.io/zone=eu-west-1a
			kubernetes.io/arch=amd64 kubernetes.io/hostname=n kubernetes.io/os=linux node.kubernetes.io/instance-type=m5.large
			topology.ebs.csi.aws.com/zone=by-hand topology.kubernetes.io/zone=eu-west-1a`},
	} {
		g, err := decode("{name: a, template: " + c.template + "}")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for key, value := range NodeLabels(g.Template.Node(&g.CNI).Labels, "n") {
			got = append(got, key+"="+value)
		}
		slices.Sort(got)
		if want := strings.Fields(c.want); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", c.template, got, want)
		}
	}
}
