package kube

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// Observation is all that a Snapshot is made of. The loop, the recheck of a node before its drain, `trimtab simulate cluster` and
// `trimtab replay` make their Snapshots of it, by the same code.
type Observation struct {
	*Objects
	// Groups are the node groups as the provider describes them, and GroupOf has the group of each node that has one.
	Groups  []plan.Group
	GroupOf map[string]string
	// Deleting says which nodes are being deleted. nil goes by their taint.
	Deleting func(*corev1.Node) bool
	// Now is the time of the observation. As long as it is zero no node is an example of its group.
	Now time.Time
	// Examples are examples of earlier observations whose nodes are gone. Only a new Translator needs them: later it
	// remembers what it has seen itself.
	Examples Examples
	// ExamplesFor is how long an example outlives its node.
	ExamplesFor time.Duration
}

// Snapshot translates the observation, from nothing.
func (o *Observation) Snapshot() *plan.Snapshot { return new(Translator).Snapshot(o) }

// Deletes is whether the node is being deleted.
func (o *Observation) Deletes(n *corev1.Node) bool { return o.deleting()(n) }

func (o *Observation) deleting() func(*corev1.Node) bool {
	if o.Deleting == nil {
		return Going
	}
	return o.Deleting
}

// Owner is a controller of pods that does not exist, or that has too few replicas for its pods to be evicted.
type Owner struct {
	Kind        string `json:"kind"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	Missing     bool   `json:"missing,omitempty"`
	FewReplicas bool   `json:"fewReplicas,omitempty"`
}

// SetOwners makes these the owners that are missing or have too few replicas, and no others.
func (o *Objects) SetOwners(owners []Owner) {
	known := make(map[ownerName]Owner, len(owners))
	for _, owner := range owners {
		known[ownerName{owner.Kind, owner.Namespace, owner.Name}] = owner
	}
	o.OwnerMissing = func(kind, namespace, name string) bool { return known[ownerName{kind, namespace, name}].Missing }
	o.FewReplicas = func(kind, namespace, name string) bool { return known[ownerName{kind, namespace, name}].FewReplicas }
}

// Pods are the pods of the last Snapshot, in the order of their names. They must not be changed.
func (t *Translator) Pods() []*corev1.Pod {
	out := make([]*corev1.Pod, 0, len(t.pods))
	for _, p := range t.pods {
		if !p.finished {
			out = append(out, p.object)
		}
	}
	return out
}

// Owners are the owners of these pods that were missing or had too few replicas, in no order.
func (t *Translator) Owners() []Owner {
	var out []Owner
	for _, o := range t.owners {
		if o.missing || o.few {
			out = append(out, Owner{o.name.kind, o.name.namespace, o.name.name, o.missing, o.few})
		}
	}
	return out
}
