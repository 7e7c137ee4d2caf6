package group

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/clusterscaler/eni"
	"github.com/trimtab/trimtab/internal/config"
)

// Group is what is written of a node group in a file: the keys that groups of every provider have, which embed it.
type Group struct {
	Name string `yaml:"name"`
	// Min and Max bound the number of nodes. Defaults 0 and 0.
	Min int `yaml:"min"`
	Max int `yaml:"max"`
	// CNI says how pods get their addresses, which bounds the pods of a node of a known instance type.
	CNI CNI `yaml:"cni"`
	// Price is per node and hour, for the expander price. Default 0, unknown.
	Price float64 `yaml:"price"`
	// Options are settings of this group alone.
	Options Options `yaml:"options"`
	// Metadata says in cluster-autoscaler's notation what the group does not say itself of its min and max, template and options.
	Metadata `yaml:",inline"`
}

// Template describes a node.
type Template struct {
	// InstanceType gives capacity and pods of a known EC2 type; each can be set by hand below.
	InstanceType string `yaml:"instanceType"`
	Zone         string `yaml:"zone"`
	Region       string `yaml:"region"`
	// Arch is amd64 or arm64. Default: that of the instance type, else amd64.
	Arch string `yaml:"arch"`
	// Capacity are quantities such as {cpu: "4", memory: 16Gi}. pods defaults to 110 without an instance type.
	Capacity map[string]string `yaml:"capacity"`
	// Allocatable is what is left for pods. Default: what EKS leaves on that instance type, else Capacity.
	Allocatable map[string]string `yaml:"allocatable"`
	Labels      map[string]string `yaml:"labels"`
	Taints      []Taint           `yaml:"taints"`
	// DeclaredFeatures are those that the nodes declare in their status, for pods that need one. Default none.
	DeclaredFeatures []string `yaml:"declaredFeatures"`
}

// Taint is one taint of a node.
type Taint struct {
	Key    string `yaml:"key"`
	Value  string `yaml:"value"`
	Effect string `yaml:"effect"`
}

// CNI are the settings of the Amazon VPC CNI that bound the pods of a node.
type CNI struct {
	// Mode is secondary-ip (default) or prefix.
	Mode eni.Mode `yaml:"mode"`
	// CustomNetworking takes the first interface from pods. Default false.
	CustomNetworking bool `yaml:"customNetworking"`
	// ReservedENIs are interfaces that something else uses. Default 0.
	ReservedENIs int `yaml:"reservedENIs"`
	// MaxENIs lowers the number of interfaces; 0 (default) is the type's own.
	MaxENIs int `yaml:"maxENIs"`
	// SecurityGroupsForPods keeps an interface for a trunk. Default false.
	SecurityGroupsForPods bool `yaml:"securityGroupsForPods"`
	// IPFamily is ipv4 (default) or ipv6.
	IPFamily eni.Family `yaml:"ipFamily"`
	// HostNetworkPods is how many pods of each node need no address. Default 2.
	HostNetworkPods int `yaml:"hostNetworkPods"`
	// Cap is none (default) or recommended, the rule of 110 or 250 pods.
	Cap eni.Cap `yaml:"cap"`
}

// SetDefaults fills in the values documented at the fields.
func (g *Group) SetDefaults() { g.CNI.SetDefaults() }

// SetDefaults fills in the values documented at the fields.
func (c *CNI) SetDefaults() { c.HostNetworkPods = eni.StandardHostNetworkPods }

func (c *CNI) options() eni.Options {
	o := eni.DefaultOptions()
	o.Mode, o.Family, o.Cap = c.Mode, c.IPFamily, c.Cap
	o.CustomNetworking, o.SecurityGroupsForPods = c.CustomNetworking, c.SecurityGroupsForPods
	o.ReservedENIs, o.MaxENIs, o.HostNetworkPods = c.ReservedENIs, c.MaxENIs, c.HostNetworkPods
	return o
}

// Described is what the group, its template and its metadata say together. The problems are those of the metadata, the bounds and
// the price.
func (g *Group) Described(t Template) (Description, config.Problems) {
	d, ps := g.Complete(Description{g.Min, g.Max, t, g.Options})
	if d.Min < 0 || d.Max < d.Min {
		ps.Add("max", "min %s and max %s: 0 <= min <= max must hold", config.OrDefault(d.Min, 0), config.OrDefault(d.Max, 0))
	}
	config.Between(&ps, "price", g.Price, 0, maxPrice)
	return d, ps
}

const (
	// maxCount bounds the interfaces and pods of a node, far above any.
	maxCount = 10_000
	// maxPrice keeps the price of many nodes a number.
	maxPrice = 1e9
)

// MaxName is the longest name of a group: it leaves room in the 63 letters of a hostname label for the suffix.
const MaxName = 50

// Check finds what is wrong with the template and the settings of the CNI, by their paths in a group.
func (t *Template) Check(cni *CNI) config.Problems {
	var ps config.Problems
	config.Between(&ps, "cni.reservedENIs", cni.ReservedENIs, 0, maxCount)
	config.Between(&ps, "cni.maxENIs", cni.MaxENIs, 0, maxCount)
	config.Between(&ps, "cni.hostNetworkPods", cni.HostNetworkPods, 0, maxCount)
	if len(ps) > 0 {
		return ps // no node can be computed of it
	}
	if err := cni.options().Validate(); err != nil {
		ps.Add("cni", "%v", err)
	}
	t.resources(cni, &ps)
	for key, value := range t.Labels {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
			ps.Add("template.labels."+key, "%q: %s", value, problems[0])
		}
	}
	for i, taint := range t.Taints {
		if taint.Key == "" {
			ps.Add(fmt.Sprintf("template.taints[%d].key", i), "is required")
		}
		if !slices.Contains(effects(), taint.Effect) {
			ps.Add(fmt.Sprintf("template.taints[%d].effect", i), "%q is none of %v", taint.Effect, effects())
		}
	}
	return ps
}

// resources are the capacity and allocatable of a node; what is wrong with them is added to ps.
func (t *Template) resources(cni *CNI, ps *config.Problems) (capacity, allocatable corev1.ResourceList) {
	capacity, allocatable = corev1.ResourceList{}, corev1.ResourceList{}
	kind, known := eni.Lookup(t.InstanceType)
	switch {
	case known:
		cni.ofType(kind, capacity, allocatable)
	case t.InstanceType != "" && len(t.Capacity) == 0:
		ps.Add("template.instanceType", "%q is not known (near: %v); give template.capacity by hand", t.InstanceType, eni.Nearest(t.InstanceType, 3))
		return capacity, allocatable
	default:
		capacity[corev1.ResourcePods] = *resource.NewQuantity(defaultPods, resource.DecimalSI)
	}
	parse(ps, "template.capacity", t.Capacity, capacity)
	if !known || len(t.Capacity) > 0 {
		for name, q := range capacity {
			if _, given := t.Capacity[string(name)]; given || !known {
				allocatable[name] = q
			}
		}
	}
	parse(ps, "template.allocatable", t.Allocatable, allocatable)
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if q := allocatable[name]; q.Sign() <= 0 {
			ps.Add("template.capacity."+string(name), "is required where the instance type does not give it")
		}
	}
	return capacity, allocatable
}

// defaultPods is the kubelet's own default of pods on a node.
const defaultPods = 110

// rootVolumeGiB is the disk that EKS gives a node by default.
const rootVolumeGiB = 20

// ofType fills in what is known of an instance type.
func (c *CNI) ofType(kind eni.Type, capacity, allocatable corev1.ResourceList) {
	r := eni.Compute(kind, c.options())
	set := func(list corev1.ResourceList, name corev1.ResourceName, q *resource.Quantity) { list[name] = *q }
	for _, list := range []corev1.ResourceList{capacity, allocatable} {
		set(list, corev1.ResourcePods, resource.NewQuantity(int64(r.MaxPods), resource.DecimalSI))
		set(list, corev1.ResourceEphemeralStorage, resource.NewQuantity(rootVolumeGiB<<30, resource.BinarySI))
	}
	if kind.Sized() {
		set(capacity, corev1.ResourceCPU, resource.NewQuantity(int64(kind.VCPUs), resource.DecimalSI))
		set(capacity, corev1.ResourceMemory, resource.NewQuantity(kind.MemoryMiB<<20, resource.BinarySI))
	}
	if r.AllocatableKnown {
		set(allocatable, corev1.ResourceCPU, resource.NewMilliQuantity(r.Allocatable.CPUMilli, resource.DecimalSI))
		set(allocatable, corev1.ResourceMemory, resource.NewQuantity(r.Allocatable.MemoryMiB<<20, resource.BinarySI))
	}
}

func parse(ps *config.Problems, path string, from map[string]string, into corev1.ResourceList) {
	for name, text := range from {
		q, err := resource.ParseQuantity(text)
		if err != nil || q.Sign() < 0 {
			ps.Add(path+"."+name, "%q is not a quantity such as 4, 500m or 16Gi", text)
			continue
		}
		into[corev1.ResourceName(name)] = q
	}
}

// Node is a node without a name, as the template and the settings of the CNI describe it. Both are valid.
func (t *Template) Node(cni *CNI) *corev1.Node {
	var none config.Problems
	node := &corev1.Node{}
	node.Status.Capacity, node.Status.Allocatable = t.resources(cni, &none)
	arch := t.Arch
	kind, ofEC2 := eni.Lookup(t.InstanceType)
	if ofEC2 && arch == "" {
		arch = string(kind.Arch)
	}
	if arch == "" {
		arch = string(eni.AMD64)
	}
	node.Labels = map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: arch}
	for key, value := range map[string]string{
		corev1.LabelInstanceTypeStable: t.InstanceType,
		corev1.LabelTopologyZone:       t.Zone,
		corev1.LabelTopologyRegion:     t.Region,
	} {
		if value != "" {
			node.Labels[key] = value
		}
	}
	for key, value := range t.Labels {
		node.Labels[key] = value
	}
	if ofEC2 {
		node.Labels = onAWS(node.Labels, node.Labels[corev1.LabelTopologyZone])
	}
	node.Status.DeclaredFeatures = slices.Sorted(slices.Values(t.DeclaredFeatures))
	for _, taint := range t.Taints {
		node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: taint.Key, Value: taint.Value, Effect: corev1.TaintEffect(taint.Effect)})
	}
	return node
}
