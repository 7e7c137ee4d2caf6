package kubesched

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	intree "k8s.io/csi-translation-lib/plugins"
)

// profile is what a node offers that is neither a label nor a resource.
type profile struct {
	key string
	// csiNode has the drivers and their limits; nil where the node has not registered any.
	csiNode *storagev1.CSINode
	// like is the node that stands of which a new one has the devices.
	like string
}

// limited is whether the node takes so many volumes of some driver and no more.
func (p *profile) limited() bool {
	return p.csiNode != nil && slices.ContainsFunc(p.csiNode.Spec.Drivers, func(d storagev1.CSINodeDriver) bool {
		return d.Allocatable != nil && d.Allocatable.Count != nil
	})
}

// unlimited is the profile of a new node of which nothing is known: it has each driver, without a limit.
const unlimited = "unlimited"

const migratedPlugins = corev1.MigratedPluginsAnnotationKey

// readProfiles finds the profiles of the nodes that stand.
func (v *View) readProfiles(o *Objects) {
	anything := &storagev1.CSINode{}
	for _, d := range o.CSIDrivers {
		anything.Spec.Drivers = append(anything.Spec.Drivers, storagev1.CSINodeDriver{Name: d.Name})
	}
	anything.Annotations = map[string]string{migratedPlugins: strings.Join([]string{
		intree.AWSEBSInTreePluginName, intree.GCEPDInTreePluginName, intree.AzureDiskInTreePluginName,
		intree.CinderInTreePluginName, intree.PortworxVolumePluginName,
	}, ",")}
	v.profiles[""] = &profile{}
	v.profiles[unlimited] = &profile{key: unlimited, csiNode: anything}
	for _, n := range o.CSINodes {
		key := csiKey(n)
		v.profileOf[n.Name] = key
		if v.profiles[key] == nil {
			v.profiles[key] = &profile{key: key, csiNode: &storagev1.CSINode{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{migratedPlugins: n.Annotations[migratedPlugins]}},
				Spec:       n.Spec,
			}}
		}
	}
}

// csiKey is equal for CSINodes that mean the same to the plugins.
func csiKey(n *storagev1.CSINode) string {
	var parts []string
	for _, d := range n.Spec.Drivers {
		limit := ""
		if d.Allocatable != nil && d.Allocatable.Count != nil {
			limit = fmt.Sprintf("<=%d", *d.Allocatable.Count)
		}
		parts = append(parts, d.Name+limit)
	}
	slices.Sort(parts)
	return "csi " + strings.Join(parts, " ") + " migrated " + n.Annotations[migratedPlugins]
}

// Profile is that of a node that stands, by its name.
func (v *View) Profile(node string) string { return v.profileOf[node] }

// NewNodeProfile is that of a new node of a group with these nodes, which stand: it has the drivers of the one that has most
// of them, and the devices of the one that has most of those, so that one that is just starting does not count. like is one
// of these, and empty where none has any.
func (v *View) NewNodeProfile(nodes []string) (key, like string) {
	key = unlimited
	drivers, devices, with := 0, 0, ""
	for _, n := range nodes {
		if own := v.profileOf[n]; own != "" && (like == "" || len(v.profiles[own].csiNode.Spec.Drivers) > drivers) {
			key, like, drivers = own, n, len(v.profiles[own].csiNode.Spec.Drivers)
		}
		if own := v.slices.devicesOf(n); own > devices {
			devices, with = own, n
		}
	}
	if with == "" {
		return key, like
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	csi := v.profiles[key].csiNode
	key += " devices of " + with
	v.profiles[key] = &profile{key: key, csiNode: csi, like: with}
	if like == "" {
		like = with
	}
	return key, like
}

// Lacks is whether the node, which stands, has not all drivers or none of the devices that new nodes of its group have by
// their profile: they may yet come.
func (v *View) Lacks(node, profile string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	like := v.profiles[profile]
	if like == nil {
		return false
	}
	if like.like != "" && v.slices.devicesOf(node) == 0 {
		return true
	}
	if like.csiNode == nil || like.csiNode == v.profiles[unlimited].csiNode {
		return false
	}
	own := v.profiles[v.profileOf[node]].csiNode
	return own == nil || slices.ContainsFunc(like.csiNode.Spec.Drivers, func(d storagev1.CSINodeDriver) bool {
		return !slices.ContainsFunc(own.Spec.Drivers, func(o storagev1.CSINodeDriver) bool { return o.Name == d.Name })
	})
}

// profile finds one by its key; one that is not known offers nothing.
func (v *View) profile(key string) *profile {
	if p := v.profiles[key]; p != nil {
		return p
	}
	return v.profiles[""]
}
