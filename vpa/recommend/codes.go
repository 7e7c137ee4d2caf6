package recommend

import "github.com/trimtab/trimtab/internal/verdict"

// The verdicts of the vpa part. The recommender's loop uses the codes below the first group.
const (
	// Recommended: the target follows from the usage alone.
	Recommended verdict.Code = "Recommended"
	// RaisedToMinimum: the usage is less than the container's share of the pod's minimum.
	RaisedToMinimum verdict.Code = "RaisedToMinimum"
	// CappedByPolicy: minAllowed, maxAllowed or the global maximum changed the target.
	CappedByPolicy verdict.Code = "CappedByPolicy"
	// NoSamples: the container's usage is unknown; an older recommendation is kept.
	NoSamples verdict.Code = "NoSamples"
	// ContainerOff: the resource policy disables the container.
	ContainerOff verdict.Code = "ContainerOff"

	// NoPodsMatched: no pod matches the selector of the target.
	NoPodsMatched verdict.Code = "NoPodsMatched"
	// ConfigUnsupported: the target cannot be read, so the pods are unknown.
	ConfigUnsupported verdict.Code = "ConfigUnsupported"
	// OutOfMemoryKill: a container was killed because of its memory; the peak is raised by the bump.
	OutOfMemoryKill verdict.Code = "OutOfMemoryKill"
	// RoundDone: objects and usage were read, and each VPA was considered.
	RoundDone verdict.Code = "RoundDone"
	// UsageUnavailable: the usage could not be read; nothing is changed.
	UsageUnavailable verdict.Code = "UsageUnavailable"
	// UsageIncomplete: the answer with the usage came with warnings.
	UsageIncomplete verdict.Code = "UsageIncomplete"
	// ObjectsUnavailable: VPAs, pods or checkpoints could not be read; nothing is changed.
	ObjectsUnavailable verdict.Code = "ObjectsUnavailable"
	// KindMissing: the cluster does not know the kind VerticalPodAutoscaler.
	KindMissing verdict.Code = "KindMissing"
	// StatusFailed: the status could not be written; the next round tries again.
	StatusFailed verdict.Code = "StatusFailed"
	// CheckpointFailed: a checkpoint could not be written or removed; the next round tries again.
	CheckpointFailed verdict.Code = "CheckpointFailed"
	// CheckpointRefused: a stored checkpoint is damaged or of another version; it is not used.
	CheckpointRefused verdict.Code = "CheckpointRefused"
)

// Codes documents every code of the vpa part.
func Codes() []verdict.CodeDoc {
	return []verdict.CodeDoc{
		{Code: Recommended, Meaning: "The target follows from the observed usage"},
		{Code: RaisedToMinimum, Meaning: "The usage asks for less than the container's share of the pod's minimum, which is recommended instead"},
		{Code: CappedByPolicy, Meaning: "minAllowed, maxAllowed or the global maximum changed the target"},
		{Code: NoSamples, Meaning: "No usage of the container, or of one of its resources, was ever seen; an older recommendation is kept"},
		{Code: ContainerOff, Meaning: "The resource policy switches the container off"},
		{Code: NoPodsMatched, Meaning: "No pod matches the selector of the target"},
		{Code: ConfigUnsupported, Severity: verdict.Warning, Meaning: "The target cannot be read, so that its pods are not known"},
		{Code: OutOfMemoryKill, Meaning: "A container was killed for its memory, and its peak is raised"},
		{Code: RoundDone, Meaning: "Objects and usage were read, and each VPA was considered"},
		{Code: UsageUnavailable, Severity: verdict.Warning, Meaning: "The usage could not be read, and nothing is changed"},
		{Code: UsageIncomplete, Severity: verdict.Warning, Meaning: "The server that knows the usage answered with warnings"},
		{Code: ObjectsUnavailable, Severity: verdict.Warning, Meaning: "VPAs, pods or checkpoints could not be read, and nothing is changed"},
		{Code: KindMissing, Severity: verdict.Warning, Meaning: "The cluster does not know the kind VerticalPodAutoscaler; install its CRDs"},
		{Code: StatusFailed, Severity: verdict.Warning, Meaning: "The status could not be written; the next round tries again"},
		{Code: CheckpointFailed, Severity: verdict.Warning, Meaning: "A checkpoint could not be written or removed; the next round tries again"},
		{Code: CheckpointRefused, Severity: verdict.Warning, Meaning: "A stored checkpoint is damaged or of another version, and is not used"},
	}
}
