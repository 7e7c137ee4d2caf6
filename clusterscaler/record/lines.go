package record

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// Format is the version of the form of the file. It changes whenever a line means something else.
const Format = 1

// line is one line of a file: one of the fields is set.
type line struct {
	Header *header      `json:"trimtabSnapshot,omitempty"`
	Policy *plan.Policy `json:"policy,omitempty"`
	// Memory has no placements: each has a line.
	Memory    *plan.Memory `json:"memory,omitempty"`
	Placement *placement   `json:"placement,omitempty"`
	Group     *plan.Group  `json:"group,omitempty"`
	Namespace *namespace   `json:"namespace,omitempty"`
	Owner     *kube.Owner  `json:"owner,omitempty"`
	Example   *example     `json:"example,omitempty"`
	Node      *node        `json:"node,omitempty"`

	DaemonSet *appsv1.DaemonSet             `json:"daemonSet,omitempty"`
	Budget    *policyv1.PodDisruptionBudget `json:"podDisruptionBudget,omitempty"`

	Claim            *corev1.PersistentVolumeClaim `json:"persistentVolumeClaim,omitempty"`
	Volume           *corev1.PersistentVolume      `json:"persistentVolume,omitempty"`
	StorageClass     *storagev1.StorageClass       `json:"storageClass,omitempty"`
	CSINode          *storagev1.CSINode            `json:"csiNode,omitempty"`
	CSIDriver        *storagev1.CSIDriver          `json:"csiDriver,omitempty"`
	StorageCapacity  *storagev1.CSIStorageCapacity `json:"csiStorageCapacity,omitempty"`
	VolumeAttachment *storagev1.VolumeAttachment   `json:"volumeAttachment,omitempty"`
	DeviceClaim      *resourcev1.ResourceClaim     `json:"resourceClaim,omitempty"`
	ResourceSlice    *resourcev1.ResourceSlice     `json:"resourceSlice,omitempty"`
	DeviceClass      *resourcev1.DeviceClass       `json:"deviceClass,omitempty"`

	Pod     *corev1.Pod `json:"pod,omitempty"`
	Outcome *Outcome    `json:"outcome,omitempty"`
	End     *end        `json:"end,omitempty"`
}

// header is the first line.
type header struct {
	Format int `json:"format"`
	// Version is that of the trimtab that decided.
	Version string `json:"version"`
	// At is the time of the observation.
	At time.Time `json:"at"`
	// ExamplesFor is how long an example outlives its node, in nanoseconds.
	ExamplesFor time.Duration `json:"examplesFor"`
	// ExpendableBelow is the priority below which a pod counts for nothing.
	ExpendableBelow int32           `json:"expendableBelow"`
	Taints          kube.NodeTaints `json:"taints"`
	// Judged says that volumes and device claims are decided on.
	Judged bool `json:"judged"`
}

// placement is where a pod without a node has been placed before.
type placement struct {
	Pod string `json:"pod"`
	plan.Placement
}

// namespace has the labels of one.
type namespace struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
}

// example is one whose node is gone.
type example struct {
	Group string        `json:"group"`
	Seen  time.Time     `json:"seen"`
	Node  *corev1.Node  `json:"node"`
	Pods  []*corev1.Pod `json:"pods,omitempty"`
}

// node is one that stands.
type node struct {
	Group    string       `json:"group,omitempty"`
	Deleting bool         `json:"deleting,omitempty"`
	Node     *corev1.Node `json:"object"`
}

// end is the last line. Lines counts all before it.
type end struct {
	Lines int `json:"lines"`
}
