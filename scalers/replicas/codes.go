package replicas

import "github.com/trimtab/trimtab/internal/verdict"

// The outcomes for a ScaledObject. If KEDA has a name for one, as the reason of a condition or of an Event, it has that
// name.
const (
	// Activated: a trigger is active, and the target has zero replicas or fewer than its minimum (row A1).
	Activated verdict.Code = "KEDAScaleTargetActivated"
	// ScaleOutPaused: an annotation forbids the scale-out.
	ScaleOutPaused verdict.Code = "ScaleOutPaused"
	// ActivePartly: a trigger is active and another cannot be read (row A2).
	ActivePartly verdict.Code = "PartialTriggerError"
	// Active: a trigger is active; the HPA decides (row A3).
	Active verdict.Code = "ScalerActive"
	// WaitingForFallback: no trigger is active, one cannot be read, and its fallback is not active yet (row I1).
	WaitingForFallback verdict.Code = "WaitingForFallback"
	// HeldOnError: no trigger is active, and one cannot be read (row I2).
	HeldOnError verdict.Code = "TriggerError"
	// Deactivated: no trigger was active for the cooldown period (row I3).
	Deactivated verdict.Code = "KEDAScaleTargetDeactivated"
	// CoolingDown: no trigger is active, and the cooldown period has not ended (row I3).
	CoolingDown verdict.Code = "ScalerCooldown"
	// ScaleInPaused: an annotation forbids the scale-in.
	ScaleInPaused verdict.Code = "ScaleInPaused"
	// RaisedToMinimum: no trigger is active, and the target has fewer replicas than its minimum (row I4).
	RaisedToMinimum verdict.Code = "RaisedToMinimum"
	// Inactive: no trigger is active, and there is nothing to do (row I5).
	Inactive verdict.Code = "ScalerNotActive"
)

// The outcomes for one trigger.
const (
	// TriggerActive: the value exceeds the activation threshold.
	TriggerActive verdict.Code = "TriggerActive"
	// TriggerInactive: the value does not exceed the activation threshold.
	TriggerInactive verdict.Code = "TriggerInactive"
	// TriggerFailed: the source could not be read.
	TriggerFailed verdict.Code = "TriggerFailed"
	// TriggerOnFallback: the source could not be read more often than allowed; its fallback is used.
	TriggerOnFallback verdict.Code = "TriggerOnFallback"
)

// Codes documents the codes above.
func Codes() []verdict.CodeDoc {
	return []verdict.CodeDoc{
		{Code: Activated, Meaning: "a trigger became active and the target was scaled out to its minimum, or to 1"},
		{Code: ScaleOutPaused, Meaning: "the target would be scaled out, but the annotation autoscaling.keda.sh/paused-scale-out forbids it"},
		{Code: ActivePartly, Severity: verdict.Warning, Meaning: "a trigger is active and another cannot be read; the HPA scales on what there is"},
		{Code: Active, Meaning: "a trigger is active and the HPA decides on the replicas"},
		{Code: WaitingForFallback, Severity: verdict.Warning, Meaning: "no trigger is active and one cannot be read; replicas are held until its fallback begins"},
		{Code: HeldOnError, Severity: verdict.Warning, Meaning: "no trigger is active and one cannot be read; replicas are held"},
		{Code: Deactivated, Meaning: "no trigger was active for the cooldown period and the target was scaled in to zero or to its idle count"},
		{Code: CoolingDown, Meaning: "no trigger is active; the target is scaled in when the cooldown period has passed"},
		{Code: ScaleInPaused, Meaning: "the target would be scaled in, but the annotation autoscaling.keda.sh/paused-scale-in forbids it"},
		{Code: RaisedToMinimum, Meaning: "the target stood below its minimum and was raised to it"},
		{Code: Inactive, Meaning: "no trigger is active and there is nothing to do"},
		{Code: TriggerActive, Meaning: "the trigger's value exceeds its activation threshold"},
		{Code: TriggerInactive, Meaning: "the trigger's value does not exceed its activation threshold"},
		{Code: TriggerFailed, Severity: verdict.Warning, Meaning: "the trigger's source could not be read"},
		{Code: TriggerOnFallback, Severity: verdict.Warning, Meaning: "the trigger's source failed more often than fallback.failureThreshold; the fallback's replicas count"},
	}
}
