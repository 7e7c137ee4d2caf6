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

// Snapshot is the volumes and claims of one moment. It implements scheduling.FilterPlugins, and is safe for concurrent use; a
// CycleState is not.
type Snapshot struct {
	demands map[string]*demand
	// demandOf has the demand of each pod.
	demandOf map[types.NamespacedName]*demand
	// labels are the keys of the node labels that answers depend on. selected are the nodes that claims name.
	labels   []string
	selected map[string]bool
	// claims, volumes and classes are the objects by name, and users counts the pods that use a claim: for the reasons of
	// refusals.
	claims  map[types.NamespacedName]*corev1.PersistentVolumeClaim
	volumes map[string]*corev1.PersistentVolume
	classes map[string]*storagev1.StorageClass
	users   map[types.NamespacedName]int
	// profiles are those of nodes by their key. profileOf has the key for each node.
	profileOf map[string]string
	profiles  map[string]*profile
	slices    *sliceIndex
	// attached are the nodes with attached volumes that none of their pods uses.
	attached map[string]bool

	mu       sync.Mutex
	plugins  *plugins
	devices  *deviceManager
	used     *usedClaims
	csiNodes cache.Indexer
	// profileShown has the profile with which the plugins last saw each node.
	profileShown map[string]string
	facts        map[*scheduling.Node]*nodeFacts
	// emptyNode keeps the answers of filterEmptyNode.
	emptyNode map[emptyNodeKey]scheduling.Refusal
	// deviceCache keeps the answers that depend only on the devices of the node and on which of them are taken.
	deviceCache map[deviceCacheKey]*deviceCacheEntry
	// active is the CycleState whose bindings the plugins have assumed.
	active *CycleState
}

// nodeFacts is what the plugins see of a node.
type nodeFacts struct {
	node *corev1.Node
	kind string
	// isCopy says that it is the copy of a template, which does not exist yet.
	isCopy  bool
	profile *profile
	limited bool
}

type emptyNodeKey struct {
	demand *demand
	kind   string
}

// New makes the Snapshot of the objects, and of the pods with volumes or device claims that have not finished.
func New(o *Objects, pods []*corev1.Pod) (*Snapshot, error) {
	snap := &Snapshot{
		demands: map[string]*demand{}, demandOf: map[types.NamespacedName]*demand{},
		labels: labelKeys(o), selected: map[string]bool{}, slices: newSliceIndex(sorted(o.ResourceSlices)),
		profileOf: map[string]string{}, profiles: map[string]*profile{}, attached: map[string]bool{},
		profileShown: map[string]string{}, facts: map[*scheduling.Node]*nodeFacts{}, emptyNode: map[emptyNodeKey]scheduling.Refusal{},
		deviceCache: map[deviceCacheKey]*deviceCacheEntry{},
	}
	d := newDescriber(o, pods)
	snap.claims, snap.volumes, snap.users, snap.classes = d.claims, d.volumes, d.users, map[string]*storagev1.StorageClass{}
	for _, c := range o.StorageClasses {
		snap.classes[c.Name] = c
	}
	snap.addPods(d, pods)
	for _, c := range o.Claims {
		if node := c.Annotations[selectedNode]; node != "" {
			snap.selected[node] = true
		}
	}
	snap.readProfiles(o)
	f, err := newFactory(o, d.claims)
	if err != nil {
		return nil, err
	}
	snap.csiNodes = f.Storage().V1().CSINodes().Informer().GetIndexer()
	snap.devices = &deviceManager{
		claims: sorted(o.DeviceClaims), byName: d.deviceClaims, allocated: claimsByPoolOf(o.DeviceClaims),
		classes: map[string]*resourcev1.DeviceClass{},
	}
	for _, c := range o.DeviceClasses {
		snap.devices.classes[c.Name] = c
	}
	snap.used = &usedClaims{}
	snap.plugins, err = newPlugins(&handle{
		factory: f, devices: snap.devices, used: snap.used, csi: nodevolumelimits.NewCSIManager(f.Storage().V1().CSINodes().Lister()),
	})
	if err != nil {
		return nil, err
	}
	left := snap.leftAttached(d, o.VolumeAttachments, pods)
	return snap, fill(f.Storage().V1().VolumeAttachments().Informer(), left) // its index by node exists now
}

const selectedNode = "volume.kubernetes.io/selected-node"

func sorted[T metav1.Object](objects []T) []T {
	return slices.SortedFunc(slices.Values(objects), func(a, b T) int { return compareNames(nameOf(a), nameOf(b)) })
}

// addPods finds the demand of each pod.
func (snap *Snapshot) addPods(d *describer, pods []*corev1.Pod) {
	for _, p := range pods {
		about, text := d.describe(p)
		if text == "" {
			continue
		}
		known := snap.demands[text]
		if known == nil {
			known = &demand{key: digest(text), binds: about.binds, inline: about.inline, deviceKind: about.deviceKind}
			snap.demands[text] = known
		}
		known.add(p, &about)
		snap.demandOf[nameOf(p)] = known
	}
	byKey := make(map[string]*demand, len(snap.demands))
	for _, known := range snap.demands {
		byKey[known.key] = known
	}
	snap.demands = byKey
}

// Demand identifies the volumes and claims of a pod that the Snapshot was made with. It is empty where no plugin asks about
// the pod.
func (snap *Snapshot) Demand(p *corev1.Pod) string {
	if d := snap.demandOf[nameOf(p)]; d != nil {
		return d.key
	}
	return ""
}

// leftAttached are the attachments that no pod on the node uses. The plugin counts only these beside the volumes of the pods:
// so it does not matter which of several pods with one demand runs on a node.
func (snap *Snapshot) leftAttached(d *describer, all []*storagev1.VolumeAttachment, pods []*corev1.Pod) []*storagev1.VolumeAttachment {
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
			snap.attached[a.Spec.NodeName] = true
		}
	}
	return out
}

// maxFacts bounds how many nodeFacts are kept.
const maxFacts = 1 << 16

// factsOf keeps the nodeFacts of a Node, which never changes.
func (snap *Snapshot) factsOf(n *scheduling.Node) *nodeFacts {
	if p := snap.facts[n]; p != nil {
		return p
	}
	if len(snap.facts) > maxFacts { // many are of templates that are no longer used
		clear(snap.facts)
	}
	p := &nodeFacts{
		node:   &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels}},
		isCopy: n.IsCopy(), profile: snap.profile(n.Profile),
	}
	p.limited = p.profile.limited()
	var b strings.Builder
	for _, key := range snap.labels {
		if value, has := n.Labels[key]; has {
			fmt.Fprintf(&b, "%q=%q|", key, value)
		}
	}
	fmt.Fprintf(&b, "profile %s", n.Profile)
	if snap.selected[n.Name] && !p.isCopy {
		fmt.Fprintf(&b, "|name %q", n.Name)
	}
	p.kind = b.String()
	snap.facts[n] = p
	return p
}

// nodeInfo is the node with these pods, for the plugins. It also sets the CSINode that they find for it.
func (snap *Snapshot) nodeInfo(p *nodeFacts, name string, on []*corev1.Pod) (*framework.NodeInfo, error) {
	node := p.node
	if name != node.Name {
		node = node.DeepCopy()
		node.Name = name
	}
	info := framework.NewNodeInfo(on...)
	info.SetNode(node)
	if key := p.profile.key; snap.profileShown[name] != key {
		snap.profileShown[name] = key
		csi := p.profile.csiNode
		if csi == nil {
			return info, snap.csiNodes.Delete(&storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: name}})
		}
		csi = csi.DeepCopy()
		csi.Name = name
		if err := snap.csiNodes.Add(csi); err != nil {
			return nil, err
		}
	}
	return info, nil
}
