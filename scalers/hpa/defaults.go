package hpa

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// defaulted is a copy of s with the API server's defaults: if there is a behavior, both directions and all their fields
// are filled in.
func defaulted(s autoscalingv2.HorizontalPodAutoscalerSpec) autoscalingv2.HorizontalPodAutoscalerSpec {
	out := *s.DeepCopy()
	if out.MinReplicas == nil {
		out.MinReplicas = new(int32(1))
	}
	if out.Behavior == nil {
		return out
	}
	out.Behavior.ScaleUp = defaultedRules(out.Behavior.ScaleUp, new(int32(0)),
		autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15},
		autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15})
	// The stabilisation window of a scale-in is left to the controller's own flag.
	out.Behavior.ScaleDown = defaultedRules(out.Behavior.ScaleDown, nil,
		autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15})
	return out
}

func defaultedRules(r *autoscalingv2.HPAScalingRules, window *int32, policies ...autoscalingv2.HPAScalingPolicy) *autoscalingv2.HPAScalingRules {
	if r == nil {
		r = &autoscalingv2.HPAScalingRules{}
	}
	if r.SelectPolicy == nil {
		r.SelectPolicy = new(autoscalingv2.MaxChangePolicySelect)
	}
	if r.StabilizationWindowSeconds == nil {
		r.StabilizationWindowSeconds = window
	}
	if len(r.Policies) == 0 {
		r.Policies = policies
	}
	return r
}
