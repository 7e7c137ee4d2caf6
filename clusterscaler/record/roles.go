package record

import (
	"reflect"
	"strings"
)

// roleOf is what the texts of a field name, where its type does not say it. Each field that is not here has another name.
func roleOf(of reflect.Type, f reflect.StructField, outer role) role {
	if f.Type.Kind() == reflect.Struct && f.Anonymous {
		return outer
	}
	name := of.Name() + "." + f.Name
	if strings.HasPrefix(of.PkgPath(), "k8s.io/") {
		return kubernetesRole(name)
	}
	return ownRole(name)
}

// ownRole is that of fields of trimtab's own types.
func ownRole(name string) role {
	switch name {
	case "Policy.Priorities", "Limit.Type", "Node.Features", "Spec.Features", "Extended.Name", "HostPort.Protocol", "Owner.Kind":
		return kept
	case "Policy.GPULabel", "Policy.BalancingIgnoreLabels", "Policy.BalancingLabels", "PodAffinityTerm.TopologyKey", "TopologySpreadConstraint.TopologyKey",
		"NodeTaints.Startup", "NodeTaints.Status":
		return keyName
	case "Memory.UnneededSince", "Memory.Deletions", "Placement.Node", "Belief.Silent", "Told.Nodes", "Promise.Stood", "Node.Name", "Removal.Node", "NodeOutcome.Node", "Move.To":
		return nodeName
	case "Memory.Told", "Memory.Promises", "Memory.AwaitedSince", "Memory.UnregisteredSince", "Memory.Backoffs", "Memory.LastOf", "Placement.Group", "Belief.Name", "Choice.Group",
		"Answer.Best", "Increase.Group", "Decrease.Group", "Deletion.Group", "Removal.Group", "PodOutcome.Group", "NodeOutcome.Group", "GroupOutcome.Group":
		return groupName
	case "Memory.Planned", "Choice.Pods", "Increase.Pods", "Move.Pod", "PodOutcome.Pod":
		return podFullName
	case "Running.DaemonSet":
		return fullName
	case "Owner.Namespace", "Spec.Namespace", "PodSelector.Namespaces":
		return namespaceName
	case "Node.Labels", "Spec.Labels":
		return byLabelKey
	}
	return otherName
}

// kubernetesRole is that of fields of API types. Names of requests for devices are words of one claim.
func kubernetesRole(name string) role {
	switch name {
	case "TypeMeta.Kind", "TypeMeta.APIVersion", "PodCondition.Reason", "PodSpec.SchedulerName", "NodeStatus.DeclaredFeatures",
		"ObjectReference.Kind", "ObjectReference.APIVersion", "ObjectReference.ResourceVersion",
		"TypedLocalObjectReference.Kind", "TypedLocalObjectReference.APIGroup", "CSIPersistentVolumeSource.Driver", "CSIVolumeSource.Driver",
		"FlexVolumeSource.Driver", "FlexPersistentVolumeSource.Driver", "StorageClass.Provisioner", "CSINodeDriver.Name",
		"VolumeAttachmentSpec.Attacher", "ResourceSliceSpec.Driver", "DeviceRequestAllocationResult.Driver", "DeviceRequestAllocationResult.Request",
		"DeviceRequest.Name", "DeviceSubRequest.Name", "DeviceConstraint.Requests", "ExactDeviceRequest.DeviceClassName", "DeviceSubRequest.DeviceClassName",
		"DeviceClassSpec.ExtendedResourceName", "CELDeviceSelector.Expression", "Device.Attributes", "DeviceAttribute.StringValue", "DeviceAttribute.VersionValue",
		"AllocatedDeviceStatus.Driver", "ResourceClaimConsumerReference.APIGroup", "ResourceClaimConsumerReference.Resource",
		"ContainerExtendedResourceRequest.ResourceName", "ContainerExtendedResourceRequest.RequestName":
		return kept
	case "PodAffinityTerm.TopologyKey", "PodAffinityTerm.MatchLabelKeys", "PodAffinityTerm.MismatchLabelKeys", "TopologySpreadConstraint.TopologyKey",
		"TopologySpreadConstraint.MatchLabelKeys", "CSINodeDriver.TopologyKeys":
		return keyName
	case "PodSpec.NodeName", "PodStatus.NominatedNodeName", "VolumeAttachmentSpec.NodeName", "ResourceSliceSpec.NodeName", "Device.NodeName":
		return nodeName
	case "ResourceClaimConsumerReference.Name":
		return podName
	case "PodAffinityTerm.Namespaces", "ObjectReference.Namespace":
		return namespaceName
	case "PodSpec.NodeSelector", "LabelSelector.MatchLabels":
		return byLabelKey
	}
	return otherName
}
