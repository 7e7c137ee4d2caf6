package hpa

import (
	"fmt"
	"math"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OwnerLabel is the label in an HPA's metric selector that names the ScaledObject.
const OwnerLabel = "scaledobject.keda.sh/name"

// Metric is the metric of one trigger in the HPA.
type Metric struct {
	// Resource is cpu or memory if the HPA reads the metric itself; empty for an external metric.
	Resource corev1.ResourceName
	// Container narrows Resource to one container of each pod; empty means all.
	Container string
	// Name is the external metric's name, from MetricName.
	Name string
	// Type is AverageValue, Value (external only) or Utilization (resource only).
	Type autoscalingv2.MetricTargetType
	// Target is above zero: a percentage for Utilization, else a number.
	Target float64
}

// MetricName is the metric name of the trigger at that index: s0-redis-orders.
func MetricName(index int, base string) string {
	return fmt.Sprintf("s%d-%s", index, strings.NewReplacer("/", "-", ".", "-", ":", "-", "%", "-", "(", "-", ")", "-").Replace(base))
}

// ExternalType checks the metricType of an external trigger. Empty means AverageValue.
func ExternalType(t autoscalingv2.MetricTargetType) (autoscalingv2.MetricTargetType, error) {
	switch t {
	case "":
		return autoscalingv2.AverageValueMetricType, nil
	case autoscalingv2.AverageValueMetricType, autoscalingv2.ValueMetricType:
		return t, nil
	default:
		return "", fmt.Errorf("metricType: %q cannot be used with an external metric; write AverageValue or Value", t)
	}
}

// Milli is n in the form of the metrics APIs, rounded to a thousandth. A negative number becomes 0, since an HPA cannot
// use it. A number that is too large becomes the largest quantity. n must not be NaN.
func Milli(n float64) resource.Quantity {
	milli := math.Round(n * 1000)
	switch {
	case milli <= 0:
		return *resource.NewMilliQuantity(0, resource.DecimalSI)
	case milli >= math.MaxInt64:
		return *resource.NewMilliQuantity(math.MaxInt64, resource.DecimalSI)
	default:
		return *resource.NewMilliQuantity(int64(milli), resource.DecimalSI)
	}
}

// spec is the metric in the HPA of owner.
func (m Metric) spec(owner string) autoscalingv2.MetricSpec {
	target := m.target()
	switch {
	case m.Resource != "" && m.Container != "":
		return autoscalingv2.MetricSpec{
			Type:              autoscalingv2.ContainerResourceMetricSourceType,
			ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: m.Resource, Container: m.Container, Target: target},
		}
	case m.Resource != "":
		return autoscalingv2.MetricSpec{
			Type:     autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricSource{Name: m.Resource, Target: target},
		}
	default:
		return autoscalingv2.MetricSpec{
			Type: autoscalingv2.ExternalMetricSourceType,
			External: &autoscalingv2.ExternalMetricSource{
				Metric: autoscalingv2.MetricIdentifier{
					Name:     m.Name,
					Selector: &metav1.LabelSelector{MatchLabels: map[string]string{OwnerLabel: owner}},
				},
				Target: target,
			},
		}
	}
}

func (m Metric) target() autoscalingv2.MetricTarget {
	t := autoscalingv2.MetricTarget{Type: m.Type}
	quantity := Milli(m.Target)
	switch m.Type {
	case autoscalingv2.UtilizationMetricType:
		percent := int32(math.Round(m.Target))
		t.AverageUtilization = &percent
	case autoscalingv2.ValueMetricType:
		t.Value = &quantity
	default:
		t.AverageValue = &quantity
	}
	return t
}
