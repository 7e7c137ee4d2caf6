package scalers

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// resourceMetric is the metric of a trigger of type cpu or memory, which the HPA reads by itself.
func resourceMetric(d trigger.Definition, metricType autoscalingv2.MetricTargetType) (hpa.Metric, error) {
	p := d.Params()
	m := hpa.Metric{Resource: corev1.ResourceName(d.Type), Container: p.Text("containerName", ""), Type: metricType}
	value := p.Required("value")
	switch metricType {
	case autoscalingv2.UtilizationMetricType:
		m.Target = float64(p.Whole("value", 0, 1, 1_000_000))
	case autoscalingv2.AverageValueMetricType:
		q, err := resource.ParseQuantity(value)
		if value != "" && (err != nil || q.Sign() <= 0) {
			p.Fail("value", "%s is not a quantity above zero such as 500m or 100Mi", text.Quote(text.Address(value)))
		}
		m.Target = q.AsApproximateFloat64()
	default:
		return m, fmt.Errorf("%s: metricType: %s cannot be used with the type %s; write Utilization or AverageValue", d, text.Quote(string(metricType)), d.Type)
	}
	return m, p.Err()
}
