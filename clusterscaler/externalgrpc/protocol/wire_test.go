package protocol

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// wire is the contract with the servers that exist, as they have it: what stands here was written down from
// cluster-autoscaler's own file, as it is and as it was when it embedded types of the Kubernetes API, and not from the
// one beside it. A field without a name is from then and has another name there.
const wire = `
NodeGroup: id=1 string, minSize=2 int32, maxSize=3 int32, debug=4 string
ExternalGrpcNode: providerID=1 string, name=2 string, labels=3 map, annotations=4 map
NodeGroupsRequest:
NodeGroupsResponse: nodeGroups=1 []NodeGroup
NodeGroupForNodeRequest: node=1 ExternalGrpcNode
NodeGroupForNodeResponse: nodeGroup=1 NodeGroup
PricingNodePriceRequest: node=1 ExternalGrpcNode, =2 Timestamp, =3 Timestamp, startTimestamp=4 Timestamp, endTimestamp=5 Timestamp
PricingNodePriceResponse: price=1 double
PricingPodPriceRequest: pod_bytes=4 bytes, startTimestamp=5 Timestamp, endTimestamp=6 Timestamp
PricingPodPriceResponse: price=1 double
GPULabelRequest:
GPULabelResponse: label=1 string
GetAvailableGPUTypesRequest:
GetAvailableGPUTypesResponse: gpuTypes=1 map
CleanupRequest:
CleanupResponse:
RefreshRequest:
RefreshResponse:
NodeGroupTargetSizeRequest: id=1 string
NodeGroupTargetSizeResponse: targetSize=1 int32
NodeGroupIncreaseSizeRequest: delta=1 int32, id=2 string
NodeGroupIncreaseSizeResponse:
NodeGroupDeleteNodesRequest: nodes=1 []ExternalGrpcNode, id=2 string
NodeGroupDeleteNodesResponse:
NodeGroupDecreaseTargetSizeRequest: delta=1 int32, id=2 string
NodeGroupDecreaseTargetSizeResponse:
NodeGroupNodesRequest: id=1 string
NodeGroupNodesResponse: instances=1 []Instance
Instance: id=1 string, status=2 InstanceStatus
InstanceStatus: instanceState=1 InstanceState, errorInfo=2 InstanceErrorInfo
InstanceErrorInfo: errorCode=1 string, errorMessage=2 string, instanceErrorClass=3 int32
NodeGroupTemplateNodeInfoRequest: id=1 string
NodeGroupTemplateNodeInfoResponse: =1 bytes, nodeBytes=2 bytes, resourceSliceBytes=3 []bytes
NodeGroupAutoscalingOptions: scaleDownUtilizationThreshold=1 double, scaleDownGpuUtilizationThreshold=2 double, zeroOrMaxNodeScaling=6 bool, ` +
	`ignoreDaemonSetsUtilization=7 bool, scaleDownUnneededDuration=8 Duration, scaleDownUnreadyDuration=9 Duration, ` +
	`MaxNodeProvisionDuration=10 Duration, maxNodeStartupDuration=11 Duration, allowNonAtomicScaleUpToMax=12 bool
NodeGroupAutoscalingOptionsRequest: id=1 string, defaults=2 NodeGroupAutoscalingOptions
NodeGroupAutoscalingOptionsResponse: nodeGroupAutoscalingOptions=1 NodeGroupAutoscalingOptions
InstanceState: unspecified=0 instanceRunning=1 instanceCreating=2 instanceDeleting=3
NodeGroups(NodeGroupsRequest) NodeGroupsResponse
NodeGroupForNode(NodeGroupForNodeRequest) NodeGroupForNodeResponse
PricingNodePrice(PricingNodePriceRequest) PricingNodePriceResponse
PricingPodPrice(PricingPodPriceRequest) PricingPodPriceResponse
GPULabel(GPULabelRequest) GPULabelResponse
GetAvailableGPUTypes(GetAvailableGPUTypesRequest) GetAvailableGPUTypesResponse
Cleanup(CleanupRequest) CleanupResponse
Refresh(RefreshRequest) RefreshResponse
NodeGroupTargetSize(NodeGroupTargetSizeRequest) NodeGroupTargetSizeResponse
NodeGroupIncreaseSize(NodeGroupIncreaseSizeRequest) NodeGroupIncreaseSizeResponse
NodeGroupDeleteNodes(NodeGroupDeleteNodesRequest) NodeGroupDeleteNodesResponse
NodeGroupDecreaseTargetSize(NodeGroupDecreaseTargetSizeRequest) NodeGroupDecreaseTargetSizeResponse
NodeGroupNodes(NodeGroupNodesRequest) NodeGroupNodesResponse
NodeGroupTemplateNodeInfo(NodeGroupTemplateNodeInfoRequest) NodeGroupTemplateNodeInfoResponse
NodeGroupGetOptions(NodeGroupAutoscalingOptionsRequest) NodeGroupAutoscalingOptionsResponse
`

func TestTheWireIsTheServers(t *testing.T) {
	file := File_clusterscaler_externalgrpc_protocol_externalgrpc_proto
	var lines []string
	for i := range file.Messages().Len() {
		lines = append(lines, message(file.Messages().Get(i)))
	}
	lines = append(lines, states(file.Messages().ByName("InstanceStatus").Enums().Get(0)))
	service := file.Services().Get(0)
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		lines = append(lines, fmt.Sprintf("%s(%s) %s", m.Name(), m.Input().Name(), m.Output().Name()))
	}
	if got := strings.Join(lines, "\n"); got != strings.TrimSpace(wire) {
		t.Errorf("the wire is\n%s\nwant\n%s", got, wire)
	}
	if got := service.FullName(); got != "clusterautoscaler.cloudprovider.v1.externalgrpc.CloudProvider" {
		t.Errorf("service %s", got)
	}
}

func message(m protoreflect.MessageDescriptor) string {
	var fields []string
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		name := string(f.Name())
		if strings.HasSuffix(name, "_before_1_35") {
			name = ""
		}
		fields = append(fields, fmt.Sprintf("%s=%d %s", name, f.Number(), kind(f)))
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %s", m.Name(), strings.Join(fields, ", ")))
}

func kind(f protoreflect.FieldDescriptor) string {
	name := f.Kind().String()
	switch {
	case f.IsMap():
		return "map"
	case f.Message() != nil:
		name = string(f.Message().Name())
	case f.Enum() != nil:
		name = string(f.Enum().Name())
	}
	if f.IsList() {
		return "[]" + name
	}
	return name
}

func states(e protoreflect.EnumDescriptor) string {
	line := string(e.Name()) + ":"
	for i := range e.Values().Len() {
		line += fmt.Sprintf(" %s=%d", e.Values().Get(i).Name(), e.Values().Get(i).Number())
	}
	return line
}
