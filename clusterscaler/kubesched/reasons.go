package kubesched

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1helper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/storage/volume"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// withCause adds to a volume plugin's refusal what the plugin leaves out: the claim, its volume or StorageClass, and the node
// label that it asks for. All pods of the demand share the answer, and their claims differ only by name. So it names one claim,
// if possible of a pod without a node, and says how many are like it.
func (snap *Snapshot) withCause(r scheduling.Refusal, d *demand, at int, node *corev1.Node) scheduling.Refusal {
	if r.Plugin == "" {
		return r
	}
	pod := d.pods[at]
	if waiting := slices.IndexFunc(d.pods, func(p *corev1.Pod) bool { return p.Spec.NodeName == "" }); pod.Spec.NodeName != "" && waiting >= 0 {
		pod = d.pods[waiting]
	}
	for _, name := range claimsOf(pod) {
		c := snap.claims[name]
		if c == nil { // the plugins name it
			continue
		}
		what := snap.blocking(r, c, node)
		if what == "" {
			continue
		}
		claim := "claim " + name.String()
		if n := len(d.pods) - 1; n > 0 && snap.users[name] < 2 {
			claim += fmt.Sprintf(" and %d like it", n)
		}
		r.Reason += ": " + claim + what
		return r
	}
	return r
}

// blocking says, to follow the claim's name, how the claim causes the refusal. It is empty where the claim does not.
func (snap *Snapshot) blocking(r scheduling.Refusal, c *corev1.PersistentVolumeClaim, node *corev1.Node) string {
	pv, class := snap.volumes[c.Spec.VolumeName], snap.classes[volume.GetPersistentVolumeClaimClass(c)]
	switch r.Plugin {
	case "VolumeRestrictions":
		if slices.Contains(c.Spec.AccessModes, corev1.ReadWriteOncePod) {
			return named("volume", c.Spec.VolumeName)
		}
	case "NodeVolumeLimits":
		switch {
		case pv != nil && pv.Spec.CSI != nil:
			return named("volume", pv.Name) + named("driver", pv.Spec.CSI.Driver)
		case pv == nil && class != nil:
			return named("driver", class.Provisioner)
		}
	case "VolumeZone":
		if pv != nil {
			return unmetZone(pv, node)
		}
	case "VolumeBinding":
		if c.Spec.VolumeName == "" {
			return unbound(r, c, class, node)
		}
		if pv != nil && volume.CheckNodeAffinity(pv, node.Labels) != nil {
			return named("volume", pv.Name) + unmetAffinity(pv, node)
		}
	}
	return ""
}

// named is a part of a reason; nothing where there is no name.
func named(kind, name string) string {
	if name == "" {
		return ""
	}
	return ", " + kind + " " + name
}

// unbound is why a claim without a volume gets none on the node. It may be empty where another claim is the cause.
func unbound(r scheduling.Refusal, c *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, node *corev1.Node) string {
	name := volume.GetPersistentVolumeClaimClass(c)
	waits := class != nil && class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
	switch {
	case name != "" && class == nil:
		return fmt.Sprintf(", StorageClass %s is missing", name)
	case r.OnEveryNode && waits, strings.HasSuffix(r.Reason, "node affinity"): // it is about bound volumes
		return ""
	case waits && !v1helper.MatchTopologySelectorTerms(class.AllowedTopologies, labels.Set(node.Labels)):
		e := class.AllowedTopologies[0].MatchLabelExpressions
		i := slices.IndexFunc(e, func(e corev1.TopologySelectorLabelRequirement) bool {
			return !slices.Contains(e.Values, node.Labels[e.Key])
		})
		if i < 0 {
			return named("StorageClass", name)
		}
		return named("StorageClass", name) + asks(e[i].Key, "In", e[i].Values, node)
	default:
		return named("StorageClass", name)
	}
}

// unmetAffinity is the first condition of the volume's node affinity that the node does not meet.
func unmetAffinity(pv *corev1.PersistentVolume, node *corev1.Node) string {
	for _, term := range pv.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			alone := &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{e}}}}
			if met, err := corev1helper.MatchNodeSelectorTerms(node, alone); err != nil || !met {
				return asks(e.Key, string(e.Operator), e.Values, node)
			}
		}
	}
	return ""
}

// unmetZone is the label of the volume that puts it into another zone or region than the node.
func unmetZone(pv *corev1.PersistentVolume, node *corev1.Node) string {
	stable := map[string]string{corev1.LabelFailureDomainBetaZone: corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaRegion: corev1.LabelTopologyRegion}
	for _, key := range zoneLabels() {
		text, has := pv.Labels[key]
		if !has {
			continue
		}
		if _, old := node.Labels[key]; !old && stable[key] != "" {
			key = stable[key]
		}
		if values := strings.Split(text, "__"); !slices.Contains(values, node.Labels[key]) { // so several zones are written
			return named("volume", pv.Name) + asks(key, "In", values, node)
		}
	}
	return ""
}

// asks is a condition on a label, and what the node has of it.
func asks(key, operator string, values []string, node *corev1.Node) string {
	has := "which the node lacks"
	if value, is := node.Labels[key]; is {
		has = fmt.Sprintf("the node has %q", value)
	}
	return fmt.Sprintf(", %s %s %v, %s", key, operator, values, has)
}
