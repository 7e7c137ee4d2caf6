package record

import (
	"fmt"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// Record is what one plan was made of. It is only read: what it points to is shared with the loop.
type Record struct {
	// Version is that of the trimtab that decided.
	Version string
	// Seen is what was observed. Its Pods are all that have not finished.
	Seen kube.Observation
	// Owners are the owners of pods that were missing, or had too few replicas.
	Owners []kube.Owner
	// Memory is that of the loop before, and Policy the one of this loop. Ask of the policy is not kept, but its Answers.
	Memory  plan.Memory
	Policy  plan.Policy
	Answers []Answer
	// Outcome is what was decided; nil where nobody kept it.
	Outcome *Outcome
}

// Answer is what a gRPC expander preferred among the choices.
type Answer struct {
	Choices []plan.Choice `json:"choices"`
	Best    []string      `json:"best"`
}

// Decide makes the plan again, and explains it as `trimtab simulate cluster` does. The Memory is that of the next loop.
func (r *Record) Decide() (*plan.Plan, plan.Memory) {
	seen, policy := r.Seen, r.Policy
	objects := *seen.Objects
	objects.SetOwners(r.Owners)
	seen.Objects = &objects
	if len(r.Answers) > 0 {
		policy.Ask = r.ask
	}
	var planner plan.Planner
	s := seen.Snapshot()
	p, next := planner.Decide(s, r.Memory, policy, seen.Now)
	planner.Reasons(s, r.Memory, policy, seen.Now).Fill(s, &p)
	return &p, next
}

// ask answers as the gRPC expander did; nothing where it was not asked this.
func (r *Record) ask(choices []plan.Choice) []string {
	question := fmt.Sprint(choices)
	for _, a := range r.Answers {
		if fmt.Sprint(a.Choices) == question {
			return a.Best
		}
	}
	return nil
}

// Counts are the numbers of objects by their kinds.
func (r *Record) Counts() map[string]int {
	out := map[string]int{
		"Node": len(r.Seen.Nodes), "Pod": len(r.Seen.Pods), "DaemonSet": len(r.Seen.DaemonSets),
		"PodDisruptionBudget": len(r.Seen.Budgets), "Namespace": len(r.Seen.Namespaces),
	}
	if s := r.Seen.Storage; s != nil {
		out["PersistentVolumeClaim"], out["PersistentVolume"], out["StorageClass"] = len(s.Claims), len(s.Volumes), len(s.StorageClasses)
		out["CSINode"], out["CSIDriver"], out["CSIStorageCapacity"] = len(s.CSINodes), len(s.CSIDrivers), len(s.StorageCapacities)
		out["VolumeAttachment"], out["ResourceClaim"] = len(s.VolumeAttachments), len(s.DeviceClaims)
		out["ResourceSlice"], out["DeviceClass"] = len(s.ResourceSlices), len(s.DeviceClasses)
	}
	for kind, n := range out {
		if n == 0 {
			delete(out, kind)
		}
	}
	return out
}
