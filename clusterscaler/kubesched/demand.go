package kubesched

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/component-helpers/storage/volume"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// demand is a set of pods whose volumes and claims are the same but for their names.
type demand struct {
	key string
	// pods are in the order in which New was given them.
	pods []*corev1.Pod
	// volumesOnly are these pods without all but their volumes: what plugins need of pods on a node.
	volumesOnly []*corev1.Pod
	// exclusive has for each pod its ReadWriteOncePod claims.
	exclusive [][]string
	// devices has for each pod its device claims.
	devices [][]types.NamespacedName
	// binds says that the node of one pod decides on the nodes of others: it binds a free volume, or a claim that others use
	// too. inline says that the pods have inline volumes, which pods on a node may use already.
	binds, inline bool
	// deviceKind is equal for demands that are the same while their claims have no devices. It is empty where volumes matter too,
	// or where a device claim is shared.
	deviceKind string
}

// add adds the pod.
func (d *demand) add(p *corev1.Pod, about *demand) {
	d.pods = append(d.pods, p)
	d.volumesOnly = append(d.volumesOnly, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID}, Spec: corev1.PodSpec{Volumes: p.Spec.Volumes},
	})
	d.exclusive = append(d.exclusive, about.exclusive...)
	d.devices = append(d.devices, about.devices...)
}

// claiming is whether the pods have device claims.
func (d *demand) claiming() bool { return len(d.pods[0].Spec.ResourceClaims) > 0 }

// describer finds the demands of pods.
type describer struct {
	claims       map[types.NamespacedName]*corev1.PersistentVolumeClaim
	volumes      map[string]*corev1.PersistentVolume
	deviceClaims map[types.NamespacedName]*resourcev1.ResourceClaim
	// reserved are the claims that a volume names. freeClasses are the storage classes with volumes that name none.
	reserved    map[types.NamespacedName]bool
	freeClasses map[string]bool
	// users and deviceUsers count the pods that use a claim.
	users, deviceUsers map[types.NamespacedName]int
}

func newDescriber(o *Objects, pods []*corev1.Pod) *describer {
	d := &describer{
		claims: map[types.NamespacedName]*corev1.PersistentVolumeClaim{}, volumes: map[string]*corev1.PersistentVolume{},
		deviceClaims: map[types.NamespacedName]*resourcev1.ResourceClaim{}, reserved: map[types.NamespacedName]bool{}, freeClasses: map[string]bool{},
		users: map[types.NamespacedName]int{}, deviceUsers: map[types.NamespacedName]int{},
	}
	for _, c := range o.Claims {
		d.claims[nameOf(c)] = c
	}
	for _, v := range o.Volumes {
		d.volumes[v.Name] = v
		if ref := v.Spec.ClaimRef; ref != nil {
			d.reserved[types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}] = true
		} else {
			d.freeClasses[v.Spec.StorageClassName] = true
		}
	}
	for _, c := range o.DeviceClaims {
		d.deviceClaims[nameOf(c)] = c
	}
	for _, p := range pods {
		for _, name := range claimsOf(p) {
			d.users[name]++
		}
		for _, name := range deviceClaimsOf(p) {
			d.deviceUsers[name]++
		}
	}
	return d
}

// claimsOf are the volume claims that the pod uses, each once.
func claimsOf(p *corev1.Pod) []types.NamespacedName {
	out := map[types.NamespacedName]bool{}
	for i := range p.Spec.Volumes {
		switch v := &p.Spec.Volumes[i]; {
		case v.PersistentVolumeClaim != nil:
			out[types.NamespacedName{Namespace: p.Namespace, Name: v.PersistentVolumeClaim.ClaimName}] = true
		case v.Ephemeral != nil:
			out[types.NamespacedName{Namespace: p.Namespace, Name: ephemeral.VolumeClaimName(p, v)}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(out), compareNames)
}

func compareNames(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }

// deviceClaimsOf are the device claims of the pod that exist by name, each once.
func deviceClaimsOf(p *corev1.Pod) []types.NamespacedName {
	out := map[types.NamespacedName]bool{}
	for i := range p.Spec.ResourceClaims {
		if name, _, err := resourceclaim.Name(p, &p.Spec.ResourceClaims[i]); err == nil && name != nil {
			out[types.NamespacedName{Namespace: p.Namespace, Name: *name}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(out), compareNames)
}

// describe returns a demand for the pod alone, and a text that is equal for pods of one demand.
func (d *describer) describe(p *corev1.Pod) (about demand, text string) {
	var parts []string
	add := func(kind string, content any) { parts = append(parts, kind+" "+inJSON(content)) }
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		switch {
		case v.PersistentVolumeClaim != nil:
			add("claim", d.claim(types.NamespacedName{Namespace: p.Namespace, Name: v.PersistentVolumeClaim.ClaimName}, &about))
		case v.Ephemeral != nil:
			name := types.NamespacedName{Namespace: p.Namespace, Name: ephemeral.VolumeClaimName(p, v)}
			content := d.claim(name, &about)
			if c := d.claims[name]; c != nil && ephemeral.VolumeIsForPod(p, c) != nil {
				content.Name = name.String()
			}
			add("ephemeral", content)
		case v.CSI != nil: // no plugin asks about it
		case v.GCEPersistentDisk != nil, v.AWSElasticBlockStore != nil, v.ISCSI != nil, v.RBD != nil:
			about.inline = true
			add("inline", v.VolumeSource)
		case v.ConfigMap == nil && v.Secret == nil && v.Projected == nil && v.DownwardAPI == nil && v.EmptyDir == nil:
			add("inline", v.VolumeSource)
		}
	}
	devicesOnly := len(parts) == 0
	var own []string
	for i := range p.Spec.ResourceClaims {
		shape, private := d.device(p, &p.Spec.ResourceClaims[i])
		add("device", shape)
		if devicesOnly = devicesOnly && private != nil; devicesOnly {
			own = append(own, inJSON(private.Spec))
		}
	}
	if devicesOnly && len(own) > 0 {
		slices.Sort(own)
		about.deviceKind = digest(strings.Join(own, "\n"))
	}
	slices.Sort(parts)
	about.exclusive = [][]string{d.exclusive(p)}
	about.devices = [][]types.NamespacedName{deviceClaimsOf(p)}
	return about, strings.Join(parts, "\n")
}

// exclusive are the ReadWriteOncePod claims of the pod.
func (d *describer) exclusive(p *corev1.Pod) []string {
	var out []string
	for _, name := range claimsOf(p) {
		if c := d.claims[name]; c != nil && slices.Contains(c.Spec.AccessModes, corev1.ReadWriteOncePod) {
			out = append(out, name.String())
		}
	}
	return out
}

// claimShape is what the plugins see of a volume claim. Name is empty where it does not matter.
type claimShape struct {
	Name        string
	Phase       corev1.PersistentVolumeClaimPhase
	Annotations map[string]string
	Spec        corev1.PersistentVolumeClaimSpec
	Volume      *volumeShape
}

type volumeShape struct {
	Labels map[string]string
	Spec   corev1.PersistentVolumeSpec
}

// claim describes the claim. It has the name where another pod may use the claim too, or where plugins compare names.
func (d *describer) claim(name types.NamespacedName, about *demand) claimShape {
	c := d.claims[name]
	if c == nil {
		return claimShape{Name: name.String()}
	}
	s := claimShape{Phase: c.Status.Phase, Spec: *c.Spec.DeepCopy(), Annotations: map[string]string{}}
	for _, key := range []string{volume.AnnBindCompleted, volume.AnnSelectedNode, corev1.BetaStorageClassAnnotation} {
		if value, has := c.Annotations[key]; has {
			s.Annotations[key] = value
		}
	}
	bound := c.Spec.VolumeName != ""
	byName := d.users[name] > 1 || c.Status.Phase == corev1.ClaimLost || c.DeletionTimestamp != nil || s.Annotations[volume.AnnSelectedNode] != ""
	if bound {
		v := d.volumes[c.Spec.VolumeName]
		byName = byName || v == nil
		s.Spec.VolumeName, s.Volume = "bound", shapeOf(v)
	} else {
		byName = byName || d.reserved[name]
		about.binds = about.binds || d.users[name] > 1 || d.reserved[name] || d.freeClasses[volume.GetPersistentVolumeClaimClass(c)]
	}
	if byName {
		s.Name = name.String()
	}
	return s
}

// shapeOf is what the plugins see of a volume, without its name.
func shapeOf(v *corev1.PersistentVolume) *volumeShape {
	if v == nil {
		return nil
	}
	s := &volumeShape{Labels: map[string]string{}}
	for _, key := range zoneLabels() {
		if value, has := v.Labels[key]; has {
			s.Labels[key] = value
		}
	}
	s.Spec.NodeAffinity = v.Spec.NodeAffinity
	if v.Spec.CSI != nil {
		s.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: v.Spec.CSI.Driver}
	} else {
		s.Spec.PersistentVolumeSource = v.Spec.PersistentVolumeSource
	}
	return s
}

func zoneLabels() []string {
	return []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion}
}

// deviceShape is what the plugin sees of a device claim. Name is empty where it does not matter.
type deviceShape struct {
	Name    string
	Deleted bool
	Spec    resourcev1.ResourceClaimSpec
}

// device describes the claim. It has the name where another pod may use the claim too, or where it has devices. private is the
// claim if no other pod uses it.
func (d *describer) device(p *corev1.Pod, ref *corev1.PodResourceClaim) (s deviceShape, private *resourcev1.ResourceClaim) {
	name, _, err := resourceclaim.Name(p, ref)
	if err != nil || name == nil {
		return deviceShape{Name: fmt.Sprintf("%s/%s of pod %s", p.Namespace, ref.Name, p.Name)}, nil
	}
	key := types.NamespacedName{Namespace: p.Namespace, Name: *name}
	c := d.deviceClaims[key]
	switch {
	case c == nil, d.deviceUsers[key] > 1, c.DeletionTimestamp != nil, ref.ResourceClaimTemplateName != nil && !metav1.IsControlledBy(c, p):
		return deviceShape{Name: key.String()}, nil
	case c.Status.Allocation != nil, len(c.Status.ReservedFor) > 0:
		return deviceShape{Name: key.String()}, c
	}
	return deviceShape{Spec: c.Spec}, c
}

// inJSON is equal for equal values.
func inJSON(v any) string {
	out, err := json.Marshal(v)
	if err != nil { // API types can always be written
		return fmt.Sprintf("%#v", v)
	}
	return string(out)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// labelKeys are the keys of node labels on which volumes depend.
func labelKeys(o *Objects) []string {
	keys := map[string]bool{}
	for _, key := range zoneLabels() {
		keys[key] = true
	}
	for _, v := range o.Volumes {
		if v.Spec.NodeAffinity != nil && v.Spec.NodeAffinity.Required != nil {
			for _, term := range v.Spec.NodeAffinity.Required.NodeSelectorTerms {
				for _, e := range term.MatchExpressions {
					keys[e.Key] = true
				}
			}
		}
	}
	for _, class := range o.StorageClasses {
		for _, term := range class.AllowedTopologies {
			for _, e := range term.MatchLabelExpressions {
				keys[e.Key] = true
			}
		}
	}
	for _, c := range o.StorageCapacities {
		capacityKeys(c, keys)
	}
	return slices.Sorted(maps.Keys(keys))
}

func capacityKeys(c *storagev1.CSIStorageCapacity, keys map[string]bool) {
	if c.NodeTopology == nil {
		return
	}
	for key := range c.NodeTopology.MatchLabels {
		keys[key] = true
	}
	for _, e := range c.NodeTopology.MatchExpressions {
		keys[e.Key] = true
	}
}
