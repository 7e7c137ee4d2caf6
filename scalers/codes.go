package scalers

import (
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/replicas"
	"github.com/trimtab/trimtab/scalers/status"
)

// Codes in addition to those of package replicas.
const (
	// CheckFailed: the object contains something wrong or unsupported; trimtab does nothing for it.
	CheckFailed verdict.Code = "ScaledObjectCheckFailed"
	// TargetUnknown: the replicas of the target could not be read.
	TargetUnknown verdict.Code = "ErrorGettingCurrentReplicas"
	// Paused: an annotation pauses all scaling.
	Paused verdict.Code = "ScaledObjectPaused"
	// HPACreated, HPAUpdated, HPADeleted and HPAFailed say what happened to the object's HPA.
	HPACreated verdict.Code = "HPACreated"
	HPAUpdated verdict.Code = "HPAUpdated"
	HPADeleted verdict.Code = "HPADeleted"
	HPAFailed  verdict.Code = "HPAFailed"
	// StatusFailed: the status could not be written.
	StatusFailed verdict.Code = "StatusUpdateFailed"
)

// Codes documents every verdict code of this part.
func Codes() []verdict.CodeDoc {
	return append(replicas.Codes(), []verdict.CodeDoc{
		{Code: CheckFailed, Severity: verdict.Warning, Meaning: "the ScaledObject asks for something that is wrong, missing or not supported; nothing is scaled"},
		{Code: TargetUnknown, Severity: verdict.Warning, Meaning: "the replicas of the target could not be read; nothing is scaled"},
		{Code: status.Limited, Severity: verdict.Warning, Meaning: "the ScaledObject asks for more than a bound of the configuration; it goes on within the bound"},
		{Code: status.Info, Severity: verdict.Warning, Meaning: "a trigger has a parameter that is ignored or not read as it says, as by KEDA; the trigger works"},
		{Code: Paused, Meaning: "an annotation pauses all scaling"},
		{Code: status.ActivationFailed, Severity: verdict.Warning, Meaning: "the target could not be scaled out; it is tried again"},
		{Code: status.DeactivationFailed, Severity: verdict.Warning, Meaning: "the target could not be scaled in; it is tried again"},
		{Code: HPACreated, Meaning: "the HPA of the ScaledObject was created"},
		{Code: HPAUpdated, Meaning: "the HPA had drifted from its ScaledObject and was brought back"},
		{Code: HPADeleted, Meaning: "an HPA was deleted, because its ScaledObject is paused or names another"},
		{Code: HPAFailed, Severity: verdict.Warning, Meaning: "the HPA could not be read or written; it is tried again"},
		{Code: StatusFailed, Severity: verdict.Warning, Meaning: "the status of the ScaledObject could not be written; it is tried again"},
	}...)
}
