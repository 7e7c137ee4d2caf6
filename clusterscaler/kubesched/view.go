package kubesched

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// View is the volumes and claims of one moment. It implements scheduling.Judge, and is safe for concurrent use; a Sitting is
// not.
type View struct {
	demands map[string]*demand
	// ofPod has the demand of each pod, by its namespace and name.
	ofPod map[types.NamespacedName]*demand
	// labels are the keys of node labels that answers depend on, and selected the nodes that claims name.
	labels   []string
	selected map[string]bool
	// claims, volumes and classes are the objects, by name, and users counts the pods that use a claim: for the words of refusals.
	claims  map[types.NamespacedName]*corev1.PersistentVolumeClaim
	volumes map[string]*corev1.PersistentVolume
	classes map[string]*storagev1.StorageClass
	users   map[types.NamespacedName]int
	// profiles are those of the nodes, by node and by themselves.
	profileOf map[string]string
	profiles  map[string]*profile
	slices    *sliceIndex
	// attached are the nodes with volumes that none of their pods uses.
	attached map[string]bool

	mu       sync.Mutex
	plugins  *plugins
	devices  *deviceManager
	used     *usedClaims
	csiNodes cache.Indexer
	// named has the profile that each node was last shown with to the plugins.
	named map[string]string
	nodes map[*scheduling.Node]*place
	// answers are those that depend on the demand and the kind of node alone.
	answers map[question]scheduling.Refusal
	// deviceAnswers are those that depend on the devices of the node and which of them are taken.
	deviceAnswers map[deviceQuestion]*deviceAnswer
	// holder is the sitting whose volumes the plugins take as bound.
	holder *Sitting
}

// place is a node as the plugins see it.
type place struct {
	node *corev1.Node
	kind string
	// fresh says that it does not stand, and like is the node that stands of which it has the devices.
	fresh   bool
	profile *profile
	limited bool
}

type question struct {
	demand *demand
	kind   string
}

// New looks at the objects, and at the pods with volumes or device claims that have not finished.
func New(o *Objects, pods []*corev1.Pod) (*View, error) {
	v := &View{
		demands: map[string]*demand{}, ofPod: map[types.NamespacedName]*demand{},
		labels: labelKeys(o), selected: map[string]bool{}, slices: newSliceIndex(sorted(o.ResourceSlices)),
		profileOf: map[string]string{}, profiles: map[string]*profile{}, attached: map[string]bool{},
		named: map[string]string{}, nodes: map[*scheduling.Node]*place{}, answers: map[question]scheduling.Refusal{},
		deviceAnswers: map[deviceQuestion]*deviceAnswer{},
	}
	d := newDescriber(o, pods)
	v.claims, v.volumes, v.users, v.classes = d.claims, d.volumes, d.users, map[string]*storagev1.StorageClass{}
	for _, c := range o.StorageClasses {
		v.classes[c.Name] = c
	}
	v.sort(d, pods)
	for _, c := range o.Claims {
		if node := c.Annotations[selectedNode]; node != "" {
			v.selected[node] = true
		}
	}
	v.readProfiles(o)
	f, err := newFactory(o, d.claims)
	if err != nil {
		return nil, err
	}
	v.csiNodes = f.Storage().V1().CSINodes().Informer().GetIndexer()
	v.devices = &deviceManager{
		claims: sorted(o.DeviceClaims), byName: d.deviceClaims, had: holdersOf(o.DeviceClaims),
		classes: map[string]*resourcev1.DeviceClass{},
	}
	for _, c := range o.DeviceClasses {
		v.devices.classes[c.Name] = c
	}
	v.used = &usedClaims{}
	v.plugins, err = newPlugins(&handle{
		factory: f, devices: v.devices, used: v.used, csi: nodevolumelimits.NewCSIManager(f.Storage().V1().CSINodes().Lister()),
	})
	if err != nil {
		return nil, err
	}
	left := v.leftAttached(d, o.VolumeAttachments, pods)
	return v, fill(f.Storage().V1().VolumeAttachments().Informer(), left) // its index by node exists now
}

const selectedNode = "volume.kubernetes.io/selected-node"

func sorted[T metav1.Object](objects []T) []T {
	return slices.SortedFunc(slices.Values(objects), func(a, b T) int { return compareNames(nameOf(a), nameOf(b)) })
}

// sort finds the demand of each pod.
func (v *View) sort(d *describer, pods []*corev1.Pod) {
	for _, p := range pods {
		about, text := d.describe(p)
		if text == "" {
			continue
		}
		known := v.demands[text]
		if known == nil {
			known = &demand{key: digest(text), binds: about.binds, inline: about.inline, kind: about.kind}
			v.demands[text] = known
		}
		known.add(p, &about)
		v.ofPod[nameOf(p)] = known
	}
	byKey := make(map[string]*demand, len(v.demands))
	for _, known := range v.demands {
		byKey[known.key] = known
	}
	v.demands = byKey
}

// Demand is what the pod, one of those that the View was made with, is to it; empty where no plugin asks about the pod.
func (v *View) Demand(p *corev1.Pod) string {
	if d := v.ofPod[nameOf(p)]; d != nil {
		return d.key
	}
	return ""
}

// leftAttached are the attachments that the plugin is to count beside the volumes of the pods on a node: those of the
// others. So it does not matter which of several like pods is taken to run on a node.
func (v *View) leftAttached(d *describer, all []*storagev1.VolumeAttachment, pods []*corev1.Pod) []*storagev1.VolumeAttachment {
	type use struct{ node, volume string }
	used := map[use]bool{}
	for _, p := range pods {
		if p.Spec.NodeName == "" {
			continue
		}
		for _, name := range claimsOf(p) {
			if c := d.claims[name]; c != nil {
				used[use{p.Spec.NodeName, c.Spec.VolumeName}] = true
			}
		}
	}
	var out []*storagev1.VolumeAttachment
	for _, a := range all {
		if name := a.Spec.Source.PersistentVolumeName; name != nil && !used[use{a.Spec.NodeName, *name}] {
			out = append(out, a)
			v.attached[a.Spec.NodeName] = true
		}
	}
	return out
}

// maxPlaces bounds how many nodes are remembered.
const maxPlaces = 1 << 16

// placeOf is the node as the plugins see it. Nodes never change.
func (v *View) placeOf(n *scheduling.Node) *place {
	if p := v.nodes[n]; p != nil {
		return p
	}
	if len(v.nodes) > maxPlaces { // of templates that nobody uses any more
		clear(v.nodes)
	}
	p := &place{
		node:  &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels}},
		fresh: n.IsCopy(), profile: v.profile(n.Profile),
	}
	p.limited = p.profile.limited()
	var b strings.Builder
	for _, key := range v.labels {
		if value, has := n.Labels[key]; has {
			fmt.Fprintf(&b, "%q=%q|", key, value)
		}
	}
	fmt.Fprintf(&b, "profile %s", n.Profile)
	if v.selected[n.Name] && !p.fresh {
		fmt.Fprintf(&b, "|name %q", n.Name)
	}
	p.kind = b.String()
	v.nodes[n] = p
	return p
}

// show makes the plugins see the node, with these pods on it, as it is in the place.
func (v *View) show(p *place, name string, on []*corev1.Pod) (*framework.NodeInfo, error) {
	node := p.node
	if name != node.Name {
		node = node.DeepCopy()
		node.Name = name
	}
	info := framework.NewNodeInfo(on...)
	info.SetNode(node)
	if key := p.profile.key; v.named[name] != key {
		v.named[name] = key
		csi := p.profile.csiNode
		if csi == nil {
			return info, v.csiNodes.Delete(&storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: name}})
		}
		csi = csi.DeepCopy()
		csi.Name = name
		if err := v.csiNodes.Add(csi); err != nil {
			return nil, err
		}
	}
	return info, nil
}
