package scalers

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/param"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// resourceTrigger is a trigger of type cpu or memory. The HPA itself reads its metric.
type resourceTrigger struct {
	container, quantity string
	percent             int64
}

func (r *resourceTrigger) table(metricType autoscalingv2.MetricTargetType) param.Table {
	value := param.Param{
		Name: "value", To: &r.quantity, Required: true,
		About: "for each pod: with `metricType: Utilization` percent of what it requests, with `AverageValue` a quantity such as 500m or 100Mi",
	}
	if metricType == autoscalingv2.UtilizationMetricType {
		value.To, value.Range = &r.percent, param.Between(1, 1_000_000)
	}
	return param.Table{
		value,
		{Name: "containerName", To: &r.container, About: "measure this container alone"},
		{Name: "type", Refused: "is refused, as by KEDA since 2.18; write metricType beside metadata"},
	}
}

// resourceMetric is the metric of a trigger of type cpu or memory.
func resourceMetric(d trigger.Definition, metricType autoscalingv2.MetricTargetType) (m hpa.Metric, warnings []string, err error) {
	var r resourceTrigger
	p := r.table(metricType).Parse(d.Values())
	m = hpa.Metric{Resource: corev1.ResourceName(d.Type), Container: r.container, Type: metricType, Target: float64(r.percent)}
	switch metricType {
	case autoscalingv2.UtilizationMetricType:
	case autoscalingv2.AverageValueMetricType:
		q, err := resource.ParseQuantity(r.quantity)
		if r.quantity != "" && (err != nil || q.Sign() <= 0) {
			p.Fail("value", "%s is not a quantity above zero such as 500m or 100Mi", text.Quote(text.Address(r.quantity)))
		}
		m.Target = q.AsApproximateFloat64()
	default:
		p.Fail("metricType", "%s cannot be used with the type %s; write Utilization or AverageValue", text.Quote(string(metricType)), d.Type)
	}
	return m, p.Warnings(), p.Err()
}
