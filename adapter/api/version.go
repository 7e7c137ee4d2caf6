package api

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
)

// version is a group version that fast answers.
type version int

const (
	customV1beta1 version = iota
	customV1beta2
	externalV1beta1
)

func (v version) groupVersion() schema.GroupVersion {
	switch v {
	case customV1beta2:
		return schema.GroupVersion{Group: custom_metrics.GroupName, Version: "v1beta2"}
	case externalV1beta1:
		return schema.GroupVersion{Group: external_metrics.GroupName, Version: "v1beta1"}
	default:
		return schema.GroupVersion{Group: custom_metrics.GroupName, Version: "v1beta1"}
	}
}

func (v version) apiVersion() string {
	switch v {
	case customV1beta2:
		return custom_metrics.GroupName + "/v1beta2"
	case externalV1beta1:
		return external_metrics.GroupName + "/v1beta1"
	default:
		return custom_metrics.GroupName + "/v1beta1"
	}
}

// kind is the kind of an answer.
func (v version) kind() string {
	if v == externalV1beta1 {
		return "ExternalMetricValueList"
	}
	return "MetricValueList"
}
