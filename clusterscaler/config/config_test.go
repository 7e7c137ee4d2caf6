package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
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
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("policy\n%s, want\n%s", g, w)
	}
}

// Each bad file is paired with all of its messages.
func TestBadConfigurations(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"provider: gce", `f: provider: trimtab has no driver for "gce"; write externalgrpc and where the server for that cloud is, or kwok, which makes simulated nodes`},
		{"provider: externalgrpc", `f: externalGrpc: is required with provider externalgrpc: where the server is`},
		{"externalGrpc: {address: 'a:1'}", `f: externalGrpc: is read with provider externalgrpc only, and provider is kwok by default`},
		{"provider: externalgrpc\nexternalGrpc: {address: 'a:1'}\nkwok: {groups: [{name: a, template: {instanceType: m5.large}}]}", `f: kwok: is read with provider kwok only, and provider is externalgrpc: there the server says which groups there are`},
		{"provider: externalgrpc\nexternalGrpc: {address: nowhere}", `f: externalGrpc.address: "nowhere" is not host:port, such as provider.kube-system.svc:8086`},
		{"provider: externalgrpc\nexternalGrpc: {address: 'a:1', grpc_timeout: 1s}", `f:2: externalGrpc.grpc_timeout: unknown key`},
		{"expander: [cheapest]", `f: expander[0]: "cheapest" is unknown; known: [grpc least-nodes least-waste most-pods price priority random]`},
		{"expander: [grpc]\ngrpcExpanderUrl: nowhere", `f: grpcExpanderUrl: "nowhere" is not HOST:PORT, which the expander grpc needs
f: grpcExpanderCert: is required with the expander grpc`},
		{"expander: []", `f: expander: needs at least one of [grpc least-nodes least-waste most-pods price priority random]`},
		{"namespace: Kube", `f: namespace: "Kube" is not the name of a namespace`},
		{"scanInterval: 10ms\nscaleDownUtilizationThreshold: 50\nmaxDrainParallelism: 0", `f: scanInterval: 10ms is below 1s
f: scaleDownUtilizationThreshold: 50 is not between 0 and 1
f: maxDrainParallelism: 0 is below 1`},
		{"coresTotal: '5'\nmemoryTotal: '7:6'", `f: coresTotal: "5" is not MIN:MAX with whole numbers, 0 <= MIN <= MAX and 0 < MAX, such as 0:1000
f: memoryTotal: "7:6" is not MIN:MAX with whole numbers`},
		{"gpuTotal: ['t4:0:2', ':0:1', 't4:1:2', 't4:0', 'a:0:0']\nscaleDownGpuUtilizationThreshold: .nan", `f: scaleDownGpuUtilizationThreshold: NaN is not between 0 and 1
f: gpuTotal[1]: ":0:1" is not TYPE:MIN:MAX with whole numbers, 0 <= MIN <= MAX and 0 < MAX, such as nvidia-tesla-t4:0:16
f: gpuTotal[2]: "t4" is the type of gpuTotal[0] already
f: gpuTotal[3]: "t4:0" is not TYPE:MIN:MAX with whole numbers, 0 <= MIN <= MAX and 0 < MAX, such as nvidia-tesla-t4:0:16
f: gpuTotal[4]: "a:0:0" is not TYPE`},
		{"headroom: [{name: A, tolerations: [{operator: In}, {effect: x}, {operator: Exists, value: x}, {value: y}], nodeSelector: {'a b': c}}, {name: b, count: 1, requests: {cpu: 1x}}, {name: b, count: 10001, requests: {pods: 1}}]", `f: headroom[2].name: "b" is the name of headroom[1] already
f: headroom[0].name: "A" is no name of a headroom: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
f: headroom[0].count: 0 is not between 1 and 10000
f: headroom[0].requests: is required: what each pod requests, such as {cpu: 500m, memory: 1Gi}
f: headroom[0].nodeSelector.a b: "c": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
f: headroom[0].tolerations[0].operator: "In" is none of Equal, Exists
f: headroom[0].tolerations[1].effect: "x" is none of NoSchedule, PreferNoSchedule, NoExecute
f: headroom[0].tolerations[2].value: "x": with the operator Exists there is none
f: headroom[0].tolerations[3].key: is required with the operator Equal
f: headroom[1].requests.cpu: "1x" is not a quantity such as 4, 500m or 16Gi
f: headroom[2].count: 10001 is not between 1 and 10000
f: headroom[2].requests.pods: is not what a pod requests; write count`},
		{"okTotalUnreadyCount: -1\nmaxTotalUnreadyPercentage: 145", `f: maxTotalUnreadyPercentage: 145 is not between 0 and 100
f: okTotalUnreadyCount: -1 is below 0`},
		{"drainPriorityConfig: '10:'", `f: drainPriorityConfig: "10:" is not PRIORITY:SECONDS with whole numbers`},
		{"startupTaint: [a b]\nstartupTaintPrefix: ['']", `f: startupTaint[0]: "a b" is not the key of a taint: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
f: startupTaintPrefix[0]: is empty, with which every taint begins; leave it out`},
		{"statusConfigMapName: A_B", `f: statusConfigMapName: "A_B" is not the name of a ConfigMap`},
		{"kwok: {groups: [{name: a, available: -2, launchFailure: always, options: {scaleDownUtilizationThreshold: 1.5, scaleDownGpuUtilizationThreshold: -1}, template: {instanceType: m5.large}}]}", `f: kwok.groups[0].launchFailure: "always" is unknown; known: [never unregistered unready]
f: kwok.groups[0].available: -2 is negative
f: kwok.groups[0].options.scaleDownUtilizationThreshold: 1.5 is not between 0 and 1
f: kwok.groups[0].options.scaleDownGpuUtilizationThreshold: -1 is not between 0 and 1`},
		{"kwok: {groups: [{name: a, options: {scaleDownUnneededTime: 5}, template: {instanceType: m5.large}}]}", `f:1: kwok.groups[0].options.scaleDownUnneededTime: "5" is not a duration`},
		{"kwok: {groups: [{name: A, min: 3, max: 2, template: {capacity: {cpu: 4, memory: 4Gi}}}]}", `f: kwok.groups[0].name: "A" cannot be part of a node's name: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
f: kwok.groups[0].max: min 3 and max 2: 0 <= min <= max must hold`},
		{"kwok: {groups: [{name: a, template: {instanceType: m5.larg}}]}", `f: kwok.groups[0].template.instanceType: "m5.larg" is not known (near: [m5.large`},
		{"kwok: {groups: [{name: a, template: {capacity: {cpu: four}}}]}", `f: kwok.groups[0].template.capacity.cpu: "four" is not a quantity such as 4, 500m or 16Gi
f: kwok.groups[0].template.capacity.cpu: is required where the instance type does not give it
f: kwok.groups[0].template.capacity.memory: is required where the instance type does not give it`},
		{"kwok: {groups: [{name: a, template: {instanceType: m5.large, taints: [{key: x, effect: No}]}}]}", `f: kwok.groups[0].template.taints[0].effect: "No" is none of [NoSchedule PreferNoSchedule NoExecute]`},
		{"kwok: {groups: [{name: a, template: {instanceType: m5.large}}, {name: a, template: {instanceType: m5.large}}]}", `f: kwok.groups[1].name: "a" is the name of groups[0] already`},
		{"kwok: {groups: [{name: a, cni: {mode: bridge}, template: {instanceType: m5.large}}]}", `f:1: kwok.groups[0].cni.mode: "bridge": unknown CNI mode; known: secondary-ip, prefix`},
		{"kwok: {groups: [{name: a, cni: {reservedENIs: -1}, template: {instanceType: m5.large}}]}", `f: kwok.groups[0].cni.reservedENIs: -1 is not between 0 and 10000`},
	} {
		_, err := decode(c.in)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got: %v\nwant: %s", c.in, err, c.want)
		}
	}
}

// The settings of growth reach the core.
func TestScaleUpSettingsReachTheCore(t *testing.T) {
	c, err := decode("gpuTotal: ['t4:1:16', 'a100:0:8']\ngpuLabel: example.com/gpu\nscaleDownGpuUtilizationThreshold: 0.2\nforceDs: true\nforceDeleteUnregisteredNodes: true")
	if err != nil {
		t.Fatal(err)
	}
	p := c.Policy()
	want := []plan.Limit{{Type: "t4", Range: plan.Range{Min: 1, Max: 16}}, {Type: "a100", Range: plan.Range{Max: 8}}}
	if !reflect.DeepEqual(p.GPUs, want) || p.GPULabel != "example.com/gpu" || p.GPUUtilizationThreshold != 0.2 || !p.ForceDaemonSets || !p.ForceDeleteUnregistered {
		t.Errorf("%+v", p)
	}
}

// Headroom reaches the core as the class of such a pod.
func TestHeadroomReachesTheCore(t *testing.T) {
	c, err := decode("headroom: [{name: web, count: 3, priority: -5, requests: {cpu: 500m, memory: 1Gi, nvidia.com/gpu: '1'}, nodeSelector: {pool: web}, tolerations: [{key: a, operator: Exists}, {key: b, value: c, effect: NoSchedule}]}]")
	if err != nil {
		t.Fatal(err)
	}
	h := c.Policy().Headroom
	if len(h) != 1 || h[0].Name != "web" || h[0].Count != 3 || h[0].Priority != -5 {
		t.Fatalf("%+v", h)
	}
	want := scheduling.Spec{
		Requests:     scheduling.Resources{MilliCPU: 500, Memory: 1 << 30, Pods: 1, Extended: []scheduling.Extended{{Name: "nvidia.com/gpu", Amount: 1}}},
		NodeSelector: []scheduling.Requirement{{Key: "pool", Operator: scheduling.In, Values: []string{"web"}}},
		Tolerations:  []scheduling.Toleration{{Key: "a", Exists: true}, {Key: "b", Value: "c", Effect: "NoSchedule"}},
	}
	got := h[0].Spec
	if !reflect.DeepEqual(got.Requests, want.Requests) || !reflect.DeepEqual(got.NodeSelector, want.NodeSelector) || !reflect.DeepEqual(got.Tolerations, want.Tolerations) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A group's own settings reach the core, and those that it does not have stay unset.
func TestOptionsOfAGroup(t *testing.T) {
	c, err := decode("kwok: {groups: [{name: a, options: {scaleDownUtilizationThreshold: 0.3, scaleDownGpuUtilizationThreshold: 0.7, scaleDownUnneededTime: 5m, scaleDownUnreadyTime: 1h, maxNodeProvisionTime: 20m, zeroOrMaxNodeScaling: true, ignoreDaemonsetsUtilization: true}, template: {instanceType: m5.large}}, {name: b, options: {ignoreDaemonsetsUtilization: false}, template: {instanceType: m5.large}}]}")
	if err != nil {
		t.Fatal(err)
	}
	span := func(d time.Duration) *config.Duration { return new(config.Duration(d)) }
	want := []group.Options{
		{UtilizationThreshold: new(0.3), GPUUtilizationThreshold: new(0.7), UnneededTime: span(5 * time.Minute), UnreadyTime: span(time.Hour), MaxNodeProvisionTime: span(20 * time.Minute), IgnoreDaemonSets: new(true), AllOrNothing: true},
		{IgnoreDaemonSets: new(false)},
	}
	for i := range want {
		if got := c.Kwok.Groups[i].Options; !reflect.DeepEqual(got, want[i]) {
			t.Errorf("groups[%d]: %+v, want %+v", i, got, want[i])
		}
	}
}
