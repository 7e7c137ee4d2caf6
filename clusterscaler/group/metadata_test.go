package group

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

const tag = "k8s.io/cluster-autoscaler/node-template/"

// unchecked is a group of which the template may be incomplete.
type unchecked struct {
	Min      int      `yaml:"min"`
	Max      int      `yaml:"max"`
	Template Template `yaml:"template"`
	Options  Options  `yaml:"options"`
	Metadata `yaml:",inline"`
}

func span(d time.Duration) *config.Duration { return new(config.Duration(d)) }

// Tags and annotations say what cluster-autoscaler reads in them, and nothing else does.
func TestMetadata(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, metadata string
		want           Description
	}{
		{"options by tags", `tags: {` + tag + `autoscaling-options/scaledownutilizationthreshold: "0.7",
			` + tag + `autoscaling-options/scaledowngpuutilizationthreshold: "0", ` + tag + `autoscaling-options/scaledownunneededtime: 30m0s,
			` + tag + `autoscaling-options/scaledownunreadytime: 1h, ` + tag + `autoscaling-options/maxnodeprovisiontime: 20m,
			` + tag + `autoscaling-options/maxnodestartuptime: 25m, ` + tag + `autoscaling-options/ignoredaemonsetsutilization: "true"}`,
			Description{Options: Options{
				UtilizationThreshold: new(0.7), GPUUtilizationThreshold: new(0.0), UnneededTime: span(30 * time.Minute), UnreadyTime: span(time.Hour),
				MaxNodeProvisionTime: span(20 * time.Minute), MaxNodeStartupTime: span(25 * time.Minute), IgnoreDaemonSets: new(true),
			}}},
		{"options by annotations", `annotations: {cluster.x-k8s.io/autoscaling-options-scaledownutilizationthreshold: "0.4",
			machine.openshift.io/autoscaling-options-maxnodestartuptime: 5m, cluster.x-k8s.io/autoscaling-options-ignoredaemonsetsutilization: "false"}`,
			Description{Options: Options{UtilizationThreshold: new(0.4), MaxNodeStartupTime: span(5 * time.Minute), IgnoreDaemonSets: new(false)}}},
		{"a node by tags", `tags: {` + tag + `label/pool: "", ` + tag + `label/example.com/disk: ssd, ` + tag + `taint/dedicated: "web:NoSchedule",
			` + tag + `taint/gone: ":NoExecute", ` + tag + `resources/ephemeral-storage: 100G, ` + tag + `resources/example.com/fpga: "2"}`,
			Description{Template: Template{
				Labels: map[string]string{"pool": "", "example.com/disk": "ssd"}, Capacity: map[string]string{"ephemeral-storage": "100G", "example.com/fpga": "2"},
				Taints: []Taint{{"dedicated", "web", "NoSchedule"}, {"gone", "", "NoExecute"}},
			}}},
		{"a node by tags, in a zone", `{template: {zone: eu-west-1a}, tags: {Name: workers}}`,
			Description{Template: Template{Zone: "eu-west-1a", Labels: map[string]string{ebsZone: "eu-west-1a"}}}},
		{"a node by annotations, in a zone", `{template: {zone: eu-west-1a}, annotations: {cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "5"}}`,
			Description{Max: 5, Template: Template{Zone: "eu-west-1a"}}},
		{"a node by tags, with the label of a zone", `tags: {` + tag + `label/topology.kubernetes.io/zone: eu-west-1b}`,
			Description{Template: Template{Labels: map[string]string{"topology.kubernetes.io/zone": "eu-west-1b", ebsZone: "eu-west-1b"}}}},
		{"a node by annotations", `annotations: {capacity.cluster-autoscaler.kubernetes.io/cpu: 16, capacity.cluster-autoscaler.kubernetes.io/memory: 128G,
			capacity.cluster-autoscaler.kubernetes.io/ephemeral-disk: 100Gi, capacity.cluster-autoscaler.kubernetes.io/maxPods: "200",
			capacity.cluster-autoscaler.kubernetes.io/gpu-type: nvidia.com/gpu, capacity.cluster-autoscaler.kubernetes.io/gpu-count: "2",
			capacity.cluster-autoscaler.kubernetes.io/labels: "a=b, c=", capacity.cluster-autoscaler.kubernetes.io/taints: "k=v:NoSchedule,only:NoExecute",
			cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size: "1", cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "5"}`,
			Description{Min: 1, Max: 5, Template: Template{
				Labels:   map[string]string{"a": "b", "c": ""},
				Capacity: map[string]string{"cpu": "16", "memory": "128G", "ephemeral-storage": "100Gi", "pods": "200", "nvidia.com/gpu": "2"},
				Taints:   []Taint{{"k", "v", "NoSchedule"}, {"only", "", "NoExecute"}},
			}}},
		{"metadata for others", `{tags: {Name: workers, k8s.io/cluster-autoscaler/enabled: "true", kubernetes.io/cluster/shop: owned},
			annotations: {machinedeployment.clusters.x-k8s.io/revision: "3", capacity.cluster-autoscaler.kubernetes.io/csi-driver: "disks=25"}}`, Description{}},
		{"the group itself counts first, then tags", `{min: 2, max: 3, options: {scaleDownUnneededTime: 1m}, template: {capacity: {cpu: 8}, labels: {own: here}, taints: [{key: k, value: own, effect: NoSchedule}]},
			tags: {` + tag + `autoscaling-options/scaledownunneededtime: 2m, ` + tag + `autoscaling-options/scaledownunreadytime: 2m, ` + tag + `label/own: tag, ` + tag + `label/tag: tag,
				` + tag + `resources/cpu: "1", ` + tag + `taint/k: "tag:NoSchedule"},
			annotations: {cluster.x-k8s.io/autoscaling-options-scaledownunneededtime: 3m, cluster.x-k8s.io/autoscaling-options-scaledownunreadytime: 3m, cluster.x-k8s.io/autoscaling-options-maxnodeprovisiontime: 3m,
				capacity.cluster-autoscaler.kubernetes.io/labels: "own=note,tag=note,note=note", capacity.cluster-autoscaler.kubernetes.io/taints: "k=note:NoSchedule,k=note:NoExecute",
				cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "5"}}`,
			Description{Min: 2, Max: 3, Options: Options{UnneededTime: span(time.Minute), UnreadyTime: span(2 * time.Minute), MaxNodeProvisionTime: span(3 * time.Minute)},
				Template: Template{
					Labels: map[string]string{"own": "here", "tag": "tag", "note": "note"}, Capacity: map[string]string{"cpu": "8"},
					Taints: []Taint{{"k", "own", "NoSchedule"}, {"k", "note", "NoExecute"}},
				}}},
	} {
		var g unchecked
		if err := config.Decode("f", []byte(strings.ReplaceAll(c.metadata, "\t", "")), &g); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, ps := g.Complete(Description{g.Min, g.Max, g.Template, g.Options})
		if len(ps) > 0 || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v; %v", c.name, got, c.want, ps)
		}
	}
}

// What is wrong with a tag or an annotation is told with its key, and nothing of it counts.
func TestWrongMetadata(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ metadata, want string }{
		{`tags: {` + tag + `autoscaling-options/scaledownunneededtme: 5m}`,
			`tags.` + tag + `autoscaling-options/scaledownunneededtme: "scaledownunneededtme" is no option; did you mean "scaledownunneededtime"?`},
		{`tags: {` + tag + `autoscaling-options/scaledownunneededtime: "5"}`, `autoscaling-options/scaledownunneededtime: "5" is not a duration; write a number with its unit`},
		{`tags: {` + tag + `autoscaling-options/scaledownutilizationthreshold: "70"}`, `"70" is not a number between 0 and 1`},
		{`tags: {` + tag + `autoscaling-options/scaledowngpuutilizationthreshold: NaN}`, `"NaN" is not a number between 0 and 1`},
		{`tags: {` + tag + `autoscaling-options/ignoredaemonsetsutilization: often}`, `"often" is neither true nor false`},
		{`tags: {` + tag + `labels/a: b}`, `tags.` + tag + `labels/a: "labels" is not what cluster-autoscaler reads here; did you mean "label"?`},
		{`tags: {` + tag + `label/a b: c}`, `"a b" with the value "c" is no label`},
		{`tags: {` + tag + `label/a: c d}`, `"a" with the value "c d" is no label`},
		{`tags: {` + tag + `taint/a: NoSchedule}`, `"NoSchedule" is not VALUE:EFFECT with one of the effects [NoSchedule PreferNoSchedule NoExecute]`},
		{`tags: {` + tag + `taint/a: "b:Never"}`, `"b:Never" is not VALUE:EFFECT`},
		{`tags: {` + tag + `taint/: "b:NoSchedule"}`, `"" is no key of a taint`},
		{`tags: {` + tag + `resources/cpu: many}`, `tags.` + tag + `resources/cpu: "many" is not a quantity such as 4, 500m or 16Gi`},
		{`tags: {` + tag + `resources/cpu: "-1"}`, `"-1" is not a quantity`},
		{`annotations: {cluster.x-k8s.io/autoscaling-options-maxnodestartup: 5m}`, `annotations.cluster.x-k8s.io/autoscaling-options-maxnodestartup: "maxnodestartup" is no option`},
		{`annotations: {cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: many}`, `"many" is not a number of nodes`},
		{`annotations: {cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size: "-1"}`, `"-1" is not a number of nodes`},
		{`annotations: {capacity.cluster-autoscaler.kubernetes.io/labels: "a=b,=c"}`, `"" with the value "c" is no label`},
		{`annotations: {capacity.cluster-autoscaler.kubernetes.io/taints: "k=v"}`, `"v" is not VALUE:EFFECT`},
		{`annotations: {capacity.cluster-autoscaler.kubernetes.io/gpu-count: "2"}`, `gpu-count: is of no use without the annotation capacity.cluster-autoscaler.kubernetes.io/gpu-type, such as nvidia.com/gpu`},
		{`annotations: {capacity.cluster-autoscaler.kubernetes.io/gpu-count: two, capacity.cluster-autoscaler.kubernetes.io/gpu-type: nvidia.com/gpu}`, `gpu-count: "two" is not a quantity`},
	} {
		var g unchecked
		if err := config.Decode("f", []byte(c.metadata), &g); err != nil {
			t.Fatal(err)
		}
		got, ps := g.Complete(Description{})
		if len(ps) != 1 || !strings.Contains(": "+ps[0].Path+": "+ps[0].Message, c.want) {
			t.Errorf("%s: %v, want %s", c.metadata, ps, c.want)
		}
		if got.Template.Taints = nil; !reflect.DeepEqual(got, Description{Template: Template{Labels: got.Template.Labels}}) {
			t.Errorf("%s: %+v counts", c.metadata, got)
		}
	}
}

// A group whose tags describe its nodes needs no template, and the options of its tags reach the plan.
func TestMetadataMakesAGroup(t *testing.T) {
	t.Parallel()
	g, err := decode(`{name: a, tags: {` + tag + `resources/cpu: "4", ` + tag + `resources/memory: 16Gi, ` + tag + `autoscaling-options/scaledownunneededtime: 1h},
  template: {capacity: {memory: 8Gi}}, annotations: {cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "7"}}`)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := g.Described(g.Template)
	if n := d.Template.Node(&g.CNI); n.Status.Allocatable.Cpu().String() != "4" || n.Status.Allocatable.Memory().String() != "8Gi" || d.Max != 7 {
		t.Errorf("%+v, %d", n.Status.Allocatable, d.Max)
	}
	if want := (Options{UnneededTime: span(time.Hour)}); !reflect.DeepEqual(d.Options, want) {
		t.Errorf("%+v", d.Options)
	}
}
