package plan

import (
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// gpuResource is how nodes offer GPUs and pods request them; cluster-autoscaler knows no other.
const gpuResource = "nvidia.com/gpu"

// Limit bounds the GPUs of one type.
type Limit struct {
	// Type is what the nodes' label names.
	Type string
	Range
}

// accelerator is the type of GPU that labels name, if they do: the value of GPULabel, or without one of the first of those
// of AWS, Google Cloud and Azure that is there.
func (p *Policy) accelerator(labels map[string]string) (kind string, has bool) {
	if p.GPULabel != "" {
		kind, has = labels[p.GPULabel]
		return kind, has
	}
	for _, key := range [...]string{"k8s.amazonaws.com/accelerator", "cloud.google.com/gke-accelerator", "accelerator"} {
		if kind, has = labels[key]; has {
			return kind, true
		}
	}
	return "", false
}

// awaitsGPU is whether a young node is to have GPUs and does not offer them yet: their driver is being installed. A node that
// has had the time of a start for it is taken as it is.
func (p *Policy) awaitsGPU(n *Node, now time.Time) bool {
	if now.Sub(n.Created) >= p.MaxNodeStartupTime || n.Allocatable.Other(gpuResource) > 0 {
		return false
	}
	_, has := p.accelerator(n.Labels)
	return has
}

// gpusOnly leaves nothing else of the resources.
func gpusOnly(r scheduling.Resources) scheduling.Resources {
	return scheduling.Resources{Extended: []scheduling.Extended{{Name: gpuResource, Amount: r.Other(gpuResource)}}}
}
