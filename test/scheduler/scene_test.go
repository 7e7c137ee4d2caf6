package scheduler_test

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/kubesched/kubeschedtest"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// volumeScene is a cluster as both see it, where kubesched judges volumes and device claims.
type volumeScene struct {
	*kubeschedtest.Cluster
	cluster *scheduling.Cluster
	classes []scheduling.Class
	// on has the node of each pod, -1 for a pod that does not run.
	on   []int
	walk walk
}

// newVolumeScene has the pods that run from the start on their nodes.
func newVolumeScene(c *kubeschedtest.Cluster, namespaces map[string]map[string]string) (*volumeScene, error) {
	resources := c.DeviceResources(func(name corev1.ResourceName) bool { return offers(c.Nodes, name) })
	objects := c.Objects
	objects.DeviceClaims = slices.Clone(objects.DeviceClaims)
	var pods []*corev1.Pod
	claims := make([]bool, len(c.Pods)) // devices for extended resources
	for i, p := range c.Pods {
		claiming, claim := resources.Claim(p)
		if claims[i] = claiming != p; claims[i] || scheduling.NeedsFilterPlugins(p) {
			pods = append(pods, claiming)
		}
		if claim != nil {
			objects.DeviceClaims = append(objects.DeviceClaims, claim)
		}
	}
	snapshot, err := kubesched.New(&objects, pods)
	if err != nil {
		return nil, fmt.Errorf("kubesched: %w", err)
	}
	s := &volumeScene{Cluster: c, on: make([]int, len(c.Pods)), classes: make([]scheduling.Class, len(c.Pods))}
	var classes scheduling.Classes
	classes.SetNamespaces(namespaces)
	specs := make([]scheduling.Spec, len(c.Pods))
	for i, p := range c.Pods {
		specs[i] = scheduling.SpecOf(p)
		specs[i].Demand = snapshot.Demand(p)
		if claims[i] {
			specs[i].Requests = resources.Without(specs[i].Requests)
		}
		classes.Learn(&specs[i])
	}
	for i := range specs {
		s.on[i] = -1
		s.classes[i] = classes.Intern(specs[i])
	}
	s.cluster = scheduling.NewCluster(&classes)
	for _, n := range c.Nodes {
		node := scheduling.NodeOf(n)
		node.Profile = snapshot.Profile(n.Name)
		s.cluster.AddNode(&node)
	}
	s.cluster.SetFilterPlugins(snapshot)
	for i, p := range c.Pods {
		if p.Spec.NodeName != "" {
			s.place(i, s.nodeOf(p.Spec.NodeName))
		}
	}
	return s, nil
}

// offers is whether a node offers the resource by a device plugin.
func offers(nodes []*corev1.Node, name corev1.ResourceName) bool {
	return slices.ContainsFunc(nodes, func(n *corev1.Node) bool {
		q := n.Status.Allocatable[name]
		return q.Sign() > 0
	})
}

func (s *volumeScene) nodeOf(name string) int {
	return slices.IndexFunc(s.Nodes, func(n *corev1.Node) bool { return n.Name == name })
}

func (s *volumeScene) place(pod, node int) {
	s.on[pod] = node
	s.cluster.Place(s.classes[pod], scheduling.NodeID(node), 1)
}

func (s *volumeScene) take(pod int) {
	s.cluster.Take(s.classes[pod], scheduling.NodeID(s.on[pod]), 1)
	s.on[pod] = -1
}

// like are the pods on the node that the simulator cannot tell from the pod and that did not run from the start: which of
// them a free volume was given to it does not know, so that they are taken together.
func (s *volumeScene) like(pod, node int) []int {
	var out []int
	for i, p := range s.Pods {
		if s.on[i] == node && s.classes[i] == s.classes[pod] && p.Spec.NodeName == "" {
			out = append(out, i)
		}
	}
	return out
}

// sharesOpen is whether the pod has a claim that others have too and that has no volume: were the pod taken, kube-scheduler
// would forget the choice for all.
func (s *volumeScene) sharesOpen(pod int) bool {
	p := s.Pods[pod]
	return slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool {
		c := v.PersistentVolumeClaim
		return c != nil && s.open(p.Namespace, c.ClaimName) && s.users(p.Namespace, c.ClaimName) > 1
	})
}

// open is whether the claim is there and has no volume.
func (s *volumeScene) open(namespace, claim string) bool {
	return slices.ContainsFunc(s.Claims, func(c *corev1.PersistentVolumeClaim) bool {
		return c.Namespace == namespace && c.Name == claim && c.Spec.VolumeName == ""
	})
}

// users counts the pods that name the claim.
func (s *volumeScene) users(namespace, claim string) int {
	n := 0
	for _, p := range s.Pods {
		if p.Namespace == namespace && slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool {
			return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim
		}) {
			n++
		}
	}
	return n
}

// uses is whether a pod that runs uses the device claim.
func (s *volumeScene) uses(claim string) bool {
	for i, p := range s.Pods {
		for j := range p.Spec.ResourceClaims {
			if name, _, err := resourceclaim.Name(p, &p.Spec.ResourceClaims[j]); s.on[i] >= 0 && err == nil && name != nil && *name == claim {
				return true
			}
		}
	}
	return false
}
