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
	// devicesOf is the existing node whose devices a new node has.
	devicesOf string
}

// limited is whether some driver has a limit of volumes on the node.
func (p *profile) limited() bool {
	return p.csiNode != nil && slices.ContainsFunc(p.csiNode.Spec.Drivers, func(d storagev1.CSINodeDriver) bool {
		return d.Allocatable != nil && d.Allocatable.Count != nil
	})
}

// unlimited is the profile of a new node of which nothing is known: it has every driver, and no limit.
const unlimited = "unlimited"

const migratedPlugins = corev1.MigratedPluginsAnnotationKey

// readProfiles finds the profiles of the existing nodes.
func (snap *Snapshot) readProfiles(o *Objects) {
	anything := &storagev1.CSINode{}
	for _, d := range o.CSIDrivers {
		anything.Spec.Drivers = append(anything.Spec.Drivers, storagev1.CSINodeDriver{Name: d.Name})
	}
	anything.Annotations = map[string]string{migratedPlugins: strings.Join([]string{
		intree.AWSEBSInTreePluginName, intree.GCEPDInTreePluginName, intree.AzureDiskInTreePluginName,
		intree.CinderInTreePluginName, intree.PortworxVolumePluginName,
	}, ",")}
	snap.profiles[""] = &profile{}
	snap.profiles[unlimited] = &profile{key: unlimited, csiNode: anything}
	for _, n := range o.CSINodes {
		key := csiKey(n)
		snap.profileOf[n.Name] = key
		if snap.profiles[key] == nil {
			snap.profiles[key] = &profile{key: key, csiNode: &storagev1.CSINode{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{migratedPlugins: n.Annotations[migratedPlugins]}},
				Spec:       n.Spec,
			}}
		}
	}
}

// csiKey is equal for CSINodes that are the same to the plugins.
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

// Profile is that of an existing node.
func (snap *Snapshot) Profile(node string) string { return snap.profileOf[node] }

// NewNodeProfile is that of a new node of a group with these existing nodes. It has the drivers of the node with most drivers, and
// the devices of the node with most devices: a node that is just starting has not all of them yet. like is one of these two
// nodes; it is empty where no node has any.
func (snap *Snapshot) NewNodeProfile(nodes []string) (key, like string) {
	key = unlimited
	drivers, devices, with := 0, 0, ""
	for _, n := range nodes {
		if own := snap.profileOf[n]; own != "" && (like == "" || len(snap.profiles[own].csiNode.Spec.Drivers) > drivers) {
			key, like, drivers = own, n, len(snap.profiles[own].csiNode.Spec.Drivers)
		}
		if own := snap.slices.devicesOf(n); own > devices {
			devices, with = own, n
		}
	}
	if with == "" {
		return key, like
	}
	snap.mu.Lock()
	defer snap.mu.Unlock()
	csi := snap.profiles[key].csiNode
	key += " devices of " + with
	snap.profiles[key] = &profile{key: key, csiNode: csi, devicesOf: with}
	if like == "" {
		like = with
	}
	return key, like
}

// Lacks is whether the existing node lacks drivers, or all devices, that new nodes of its group have by their profile. They may
// still come.
func (snap *Snapshot) Lacks(node, profile string) bool {
	snap.mu.Lock()
	defer snap.mu.Unlock()
	like := snap.profiles[profile]
	if like == nil {
		return false
	}
	if like.devicesOf != "" && snap.slices.devicesOf(node) == 0 {
		return true
	}
	if like.csiNode == nil || like.csiNode == snap.profiles[unlimited].csiNode {
		return false
	}
	own := snap.profiles[snap.profileOf[node]].csiNode
	return own == nil || slices.ContainsFunc(like.csiNode.Spec.Drivers, func(d storagev1.CSINodeDriver) bool {
		return !slices.ContainsFunc(own.Spec.Drivers, func(o storagev1.CSINodeDriver) bool { return o.Name == d.Name })
	})
}

// profile finds one by its key; an unknown one offers nothing.
func (snap *Snapshot) profile(key string) *profile {
	if p := snap.profiles[key]; p != nil {
		return p
	}
	return snap.profiles[""]
}
