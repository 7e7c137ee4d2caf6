package scheduling

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/component-helpers/nodedeclaredfeatures/types"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/trimtab/trimtab/internal/verdict"
)

// naive is a second implementation that shares nothing with the first: it keeps API objects, adds up
// quantities pod by pod, and asks Kubernetes' own helpers about taints and affinity.
type naive struct {
	nodes      []*corev1.Node
	pods       [][]*corev1.Pod              // by node
	namespaces map[string]map[string]string // their labels
}

// fits returns the code of the first thing that keeps the pod off the node, or "".
func (c *naive) fits(p *corev1.Pod, n int) verdict.Code {
	node := c.nodes[n]
	log := klog.Background()
	if node.Spec.Unschedulable {
		cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
		if !schedulinghelpers.TolerationsTolerateTaint(log, p.Spec.Tolerations, &cordon, false) {
			return NodeUnschedulable
		}
	}
	hard := func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }
	if _, bad := schedulinghelpers.FindMatchingUntoleratedTaint(log, node.Spec.Taints, p.Spec.Tolerations, hard, false); bad {
		return TaintNotTolerated
	}
	for key, value := range p.Spec.NodeSelector {
		if have, has := node.Labels[key]; !has || have != value {
			return NodeSelectorMismatch
		}
	}
	if ok, err := nodeaffinity.GetRequiredNodeAffinity(p).Match(node); err != nil || !ok {
		return NodeAffinityMismatch
	}
	if c.portTaken(p, n) {
		return HostPortTaken
	}
	if code := c.short(p, n); code != "" {
		return code
	}
	if code := c.uneven(p, node); code != "" {
		return code
	}
	if code := c.company(p, node); code != "" {
		return code
	}
	f := nodedeclaredfeatures.DefaultFramework
	needed, err := f.InferForPodScheduling(&types.PodInfo{Spec: &p.Spec}, version.MustParse("1.37.0"))
	if err != nil {
		panic(err)
	}
	if m, err := f.MatchNode(needed, node); err != nil || !m.IsMatch {
		return FeatureNotDeclared
	}
	return ""
}

func (c *naive) portTaken(p *corev1.Pod, n int) bool {
	for _, wanted := range p.Spec.Containers[0].Ports {
		for _, other := range c.pods[n] {
			for _, has := range other.Spec.Containers[0].Ports {
				any := func(ip string) bool { return ip == "" || ip == "0.0.0.0" }
				if wanted.HostPort == has.HostPort && wanted.Protocol == has.Protocol &&
					(any(wanted.HostIP) || any(has.HostIP) || wanted.HostIP == has.HostIP) {
					return true
				}
			}
		}
	}
	return false
}

func (c *naive) short(p *corev1.Pod, n int) verdict.Code {
	node := c.nodes[n]
	if slots := node.Status.Allocatable[corev1.ResourcePods]; int64(len(c.pods[n])+1) > slots.Value() {
		return TooManyPods
	}
	for _, r := range []struct {
		name corev1.ResourceName
		code verdict.Code
	}{
		{corev1.ResourceCPU, InsufficientCPU}, {corev1.ResourceMemory, InsufficientMemory},
		{corev1.ResourceEphemeralStorage, InsufficientEphemeralStorage}, {"example.com/gpu", InsufficientResource},
	} {
		need := requested(p, r.name)
		if need.IsZero() {
			continue
		}
		free := node.Status.Allocatable[r.name].DeepCopy()
		for _, other := range c.pods[n] {
			free.Sub(requested(other, r.name))
		}
		if need.Cmp(free) > 0 {
			return r.code
		}
	}
	return ""
}

// requested is what a pod needs of one resource: the most that it needs at any time of its life. Init
// containers run one after another, each beside the sidecars that were started before it.
func requested(p *corev1.Pod, name corev1.ResourceName) resource.Quantity {
	var sidecars, peak resource.Quantity
	higher := func(q resource.Quantity) {
		if q.Cmp(peak) > 0 {
			peak = q
		}
	}
	for _, c := range p.Spec.InitContainers {
		q := c.Resources.Requests[name].DeepCopy()
		if c.RestartPolicy != nil {
			sidecars.Add(q)
			higher(sidecars.DeepCopy())
			continue
		}
		q.Add(sidecars)
		higher(q)
	}
	running := sidecars.DeepCopy()
	for _, c := range p.Spec.Containers {
		running.Add(c.Resources.Requests[name])
	}
	higher(running)
	if overhead, has := p.Spec.Overhead[name]; has {
		peak.Add(overhead)
	}
	return peak
}

func describe(p *corev1.Pod, n *corev1.Node) string {
	return fmt.Sprintf("pod: %+v\nnode: labels %v, taints %v, cordoned %t, allocatable %v", p.Spec, n.Labels, n.Spec.Taints, n.Spec.Unschedulable, n.Status.Allocatable)
}
