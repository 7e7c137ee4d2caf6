package scheduling

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/internal/verdict"
)

// The codes of a pod that does not fit on a node.
const (
	// NodeUnschedulable: the node is cordoned.
	NodeUnschedulable verdict.Code = "NodeUnschedulable"
	// TaintNotTolerated: the node has a taint that the pod does not tolerate.
	TaintNotTolerated verdict.Code = "TaintNotTolerated"
	// NodeSelectorMismatch: a label of the pod's nodeSelector is missing or differs.
	NodeSelectorMismatch verdict.Code = "NodeSelectorMismatch"
	// NodeAffinityMismatch: no term of the required node affinity holds.
	NodeAffinityMismatch verdict.Code = "NodeAffinityMismatch"
	// HostPortTaken: another pod on the node has the host port.
	HostPortTaken verdict.Code = "HostPortTaken"
	// TooManyPods: the node has no free pod slot.
	TooManyPods verdict.Code = "TooManyPods"
	// InsufficientCPU: the free CPU is less than the request.
	InsufficientCPU verdict.Code = "InsufficientCPU"
	// InsufficientMemory: the free memory is less than the request.
	InsufficientMemory verdict.Code = "InsufficientMemory"
	// InsufficientEphemeralStorage: the free local storage is less than the request.
	InsufficientEphemeralStorage verdict.Code = "InsufficientEphemeralStorage"
	// InsufficientResource: an extended resource is short.
	InsufficientResource verdict.Code = "InsufficientResource"
	// TopologyKeyMissing: the node lacks the label that a topology spread constraint counts by.
	TopologyKeyMissing verdict.Code = "TopologyKeyMissing"
	// TopologySpreadExceeded: the pod would make the node's domain hold too many more pods than another.
	TopologySpreadExceeded verdict.Code = "TopologySpreadExceeded"
	// PodAffinityUnsatisfied: the pods that the pod's affinity asks for are not in the node's domain.
	PodAffinityUnsatisfied verdict.Code = "PodAffinityUnsatisfied"
	// PodAntiAffinityConflict: pods that the pod's anti-affinity avoids are in the node's domain.
	PodAntiAffinityConflict verdict.Code = "PodAntiAffinityConflict"
	// RepelledByPods: pods in the node's domain have an anti-affinity that avoids the pod.
	RepelledByPods verdict.Code = "RepelledByPods"
	// FeatureNotDeclared: the node does not declare a feature that the pod needs.
	FeatureNotDeclared verdict.Code = "FeatureNotDeclared"
	// VolumeInUse: a volume of the pod is used by another pod that must not share it.
	VolumeInUse verdict.Code = "VolumeInUse"
	// VolumeLimitExceeded: the node would have more volumes of a CSI driver than it can.
	VolumeLimitExceeded verdict.Code = "VolumeLimitExceeded"
	// VolumeUnavailable: a volume of the pod cannot be had on the node.
	VolumeUnavailable verdict.Code = "VolumeUnavailable"
	// VolumeZoneConflict: a volume of the pod is in another zone or region.
	VolumeZoneConflict verdict.Code = "VolumeZoneConflict"
	// DevicesUnavailable: a device claim of the pod cannot be met on the node.
	DevicesUnavailable verdict.Code = "DevicesUnavailable"
	// NotJudged: what the pod's volumes or device claims need could not be judged.
	NotJudged verdict.Code = "NotJudged"
)

// Codes lists the codes above for the reference page.
func Codes() []verdict.CodeDoc {
	return []verdict.CodeDoc{
		{Code: NodeUnschedulable, Meaning: "The node is cordoned and the pod does not tolerate it"},
		{Code: TaintNotTolerated, Meaning: "The node has a taint that the pod does not tolerate"},
		{Code: NodeSelectorMismatch, Meaning: "A label of the pod's nodeSelector is missing on the node or differs"},
		{Code: NodeAffinityMismatch, Meaning: "No term of the pod's required node affinity holds on the node"},
		{Code: HostPortTaken, Meaning: "A host port of the pod is taken on the node, by a pod that is named where it is known"},
		{Code: TooManyPods, Meaning: "The node has no free pod slot"},
		{Code: InsufficientCPU, Meaning: "The node's free CPU is less than the pod requests"},
		{Code: InsufficientMemory, Meaning: "The node's free memory is less than the pod requests"},
		{Code: InsufficientEphemeralStorage, Meaning: "The node's free local storage is less than the pod requests"},
		{Code: InsufficientResource, Meaning: "An extended resource of the node is less than the pod requests"},
		{Code: TopologyKeyMissing, Meaning: "The node lacks the label that a topology spread constraint of the pod counts by"},
		{Code: TopologySpreadExceeded, Meaning: "The pod would make the node's topology domain hold more pods, compared with the domain that has the fewest, than maxSkew allows"},
		{Code: PodAffinityUnsatisfied, Meaning: "The pods that the pod's required affinity asks for are not in the node's topology domain"},
		{Code: PodAntiAffinityConflict, Meaning: "Pods that the pod's required anti-affinity avoids are in the node's topology domain"},
		{Code: RepelledByPods, Meaning: "Pods in the node's topology domain have a required anti-affinity that avoids the pod"},
		{Code: FeatureNotDeclared, Meaning: "The node does not declare a feature that the pod needs in status.declaredFeatures (plugin NodeDeclaredFeatures)"},
		{Code: VolumeInUse, Meaning: "A volume of the pod is used by another pod with which it must not be shared (kube-scheduler's plugin VolumeRestrictions)"},
		{Code: VolumeLimitExceeded, Meaning: "The node would have more volumes of a CSI driver than its CSINode allows, or lacks the driver (plugin NodeVolumeLimits)"},
		{Code: VolumeUnavailable, Meaning: "A volume of the pod cannot be had on the node, or does not exist; the reason has the words of the plugin VolumeBinding"},
		{Code: VolumeZoneConflict, Meaning: "A volume of the pod is in another zone or region (plugin VolumeZone)"},
		{Code: DevicesUnavailable, Meaning: "A device claim of the pod cannot be met on the node; the reason has the words of the plugin DynamicResources"},
		{Code: NotJudged, Meaning: "What the pod's volumes or device claims need could not be judged; the reason says why"},
	}
}

// Misfit is why a pod does not fit on a node. The zero value says that it fits.
type Misfit struct {
	Code verdict.Code
	// What names the taint, label, port, resource or topology key, where the code alone does not. Of a Refusal it is the
	// reason.
	What string
	// Need and Free are the request and what is left, in the unit of the resource; for a spread constraint the
	// skew with the pod and the maximal one, and for an anti-affinity Free is the number of pods in the way.
	Need, Free int64
	// plugin is that of a Refusal; empty for all other misfits.
	plugin Plugin
}

// OK is whether the pod fits.
func (m Misfit) OK() bool { return m.Code == "" }

// Verdict is the misfit as data about a subject.
func (m Misfit) Verdict(subject verdict.Subject, more ...verdict.Fact) verdict.Verdict {
	var facts []verdict.Fact
	switch m.Code {
	case TaintNotTolerated:
		facts = append(facts, verdict.Text("taint", m.What))
	case NodeSelectorMismatch:
		facts = append(facts, verdict.Text("label", m.What))
	case HostPortTaken:
		facts = append(facts, verdict.Text("port", m.What))
	case InsufficientCPU, InsufficientMemory, InsufficientEphemeralStorage:
		facts = append(facts, m.Amount("need", m.Need), m.Amount("free", m.Free))
	case InsufficientResource:
		facts = append(facts, verdict.Text("resource", m.What), m.Amount("need", m.Need), m.Amount("free", m.Free))
	case TopologyKeyMissing:
		facts = append(facts, verdict.Text("topologyKey", m.What))
	case TopologySpreadExceeded:
		facts = append(facts, verdict.Text("topologyKey", m.What), verdict.Number("skew", m.Need), verdict.Number("maxSkew", m.Free))
	case PodAntiAffinityConflict, RepelledByPods:
		facts = append(facts, verdict.Text("topologyKey", m.What), verdict.Number("pods", m.Free))
	case VolumeInUse, VolumeLimitExceeded, VolumeUnavailable, VolumeZoneConflict, DevicesUnavailable, NotJudged:
		facts = append(facts, verdict.Text("plugin", string(m.Plugin())), verdict.Text("reason", m.What))
	case FeatureNotDeclared:
		facts = append(facts, verdict.Text("feature", m.What))
	case TooManyPods:
		facts = append(facts, verdict.Number("free", m.Free))
	}
	return verdict.Because(subject, m.Code, append(facts, more...)...)
}

// Closer is whether m is closer to a fit than the other: the pod passes more of the scheduler's filters, in their order, or
// lacks a smaller part of the resource that it requests.
func (m *Misfit) Closer(o *Misfit) bool {
	if mine, others := m.passes(), o.passes(); mine != others {
		return mine > others
	}
	return m.lacks() < o.lacks()
}

// passes counts the groups of filters that the pod has passed: the node's identity, host ports, resources, other pods.
func (m *Misfit) passes() int {
	switch m.Plugin() {
	case "NodeUnschedulable", "TaintToleration", "NodeAffinity", "NodeDeclaredFeatures":
		return 0
	case "NodePorts":
		return 1
	case "NodeResourcesFit":
		return 2
	case "PodTopologySpread", "InterPodAffinity":
		return 3
	default:
		return 4
	}
}

// lacks is the part of the request that is not free.
func (m *Misfit) lacks() float64 {
	if m.Need <= 0 || m.Plugin() != "NodeResourcesFit" {
		return 0
	}
	return float64(m.Need-m.Free) / float64(m.Need)
}

// Amount is a fact in the unit of the resource that is short.
func (m Misfit) Amount(name string, n int64) verdict.Fact {
	switch {
	case m.Code == InsufficientCPU:
		return verdict.Milli(name, n)
	case m.Code == InsufficientMemory, m.Code == InsufficientEphemeralStorage, strings.HasPrefix(m.What, corev1.ResourceHugePagesPrefix):
		return verdict.Bytes(name, n)
	default:
		return verdict.Number(name, n)
	}
}

// Of is how much r has of the resource that is short; ok is false where no resource is short.
func (m Misfit) Of(r Resources) (n int64, ok bool) {
	switch m.Code {
	case TooManyPods:
		return r.Pods, true
	case InsufficientCPU:
		return r.MilliCPU, true
	case InsufficientMemory:
		return r.Memory, true
	case InsufficientEphemeralStorage:
		return r.EphemeralStorage, true
	case InsufficientResource:
		return r.Other(m.What), true
	default:
		return 0, false
	}
}

// shortage is the first resource that is short, in the scheduler's order.
func (r Resources) shortage(request Resources) Misfit {
	switch {
	case request.Pods > 0 && r.Pods < request.Pods:
		return Misfit{Code: TooManyPods, Need: request.Pods, Free: r.Pods}
	case request.MilliCPU > 0 && r.MilliCPU < request.MilliCPU:
		return Misfit{Code: InsufficientCPU, Need: request.MilliCPU, Free: r.MilliCPU}
	case request.Memory > 0 && r.Memory < request.Memory:
		return Misfit{Code: InsufficientMemory, Need: request.Memory, Free: r.Memory}
	case request.EphemeralStorage > 0 && r.EphemeralStorage < request.EphemeralStorage:
		return Misfit{Code: InsufficientEphemeralStorage, Need: request.EphemeralStorage, Free: r.EphemeralStorage}
	}
	for _, e := range request.Extended {
		if free := r.Other(e.Name); e.Amount > 0 && free < e.Amount {
			return Misfit{Code: InsufficientResource, What: e.Name, Need: e.Amount, Free: free}
		}
	}
	return Misfit{}
}

// Plugin names a Filter plugin of kube-scheduler.
type Plugin string

// Plugin is the one of kube-scheduler's plugins that keeps the pod off the node; empty where it fits.
func (m Misfit) Plugin() Plugin {
	if m.plugin != "" {
		return m.plugin
	}
	switch m.Code {
	case "":
		return ""
	case NodeUnschedulable:
		return "NodeUnschedulable"
	case TaintNotTolerated:
		return "TaintToleration"
	case NodeSelectorMismatch, NodeAffinityMismatch:
		return "NodeAffinity"
	case HostPortTaken:
		return "NodePorts"
	case TopologyKeyMissing, TopologySpreadExceeded:
		return "PodTopologySpread"
	case PodAffinityUnsatisfied, PodAntiAffinityConflict, RepelledByPods:
		return "InterPodAffinity"
	case FeatureNotDeclared:
		return "NodeDeclaredFeatures"
	default:
		return "NodeResourcesFit"
	}
}
