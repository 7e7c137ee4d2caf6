package record

import (
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
	// Memory is that of the loop before, with what the gRPC expander has answered in this one. Policy is that of this loop.
	Memory plan.Memory
	Policy plan.Policy
	// Outcome is what was decided; nil where nobody kept it.
	Outcome *Outcome
}

// Decide makes the plan again, and explains it as `trimtab simulate cluster` does. The Memory is that of the next loop.
func (r *Record) Decide() (*plan.Plan, plan.Memory) {
	seen := r.Seen
	objects := *seen.Objects
	objects.SetOwners(r.Owners)
	seen.Objects = &objects
	var planner plan.Planner
	s := seen.Snapshot()
	p, next := planner.Decide(s, r.Memory, r.Policy, seen.Now)
	planner.Reasons(s, r.Memory, r.Policy, seen.Now).Fill(s, &p)
	return &p, next
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
