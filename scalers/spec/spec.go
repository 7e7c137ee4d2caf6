package spec

import (
	"errors"
	"fmt"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/replicas"
)

// KEDA's finalizer. Objects that KEDA has handled have it.
const Finalizer = "finalizer.keda.sh"

// Defaults are used where a ScaledObject sets no value. Limits bound the values that it sets.
type Defaults struct {
	PollingInterval time.Duration
	Cooldown        time.Duration
	Limits          Limits
}

// Limits bound what one object may cost.
type Limits struct {
	// PollingInterval is the minimum; a shorter interval is raised to it.
	PollingInterval time.Duration
	// Triggers is how many triggers an object may have, Parameters how many keys the metadata of one trigger may have,
	// and Bytes how long all its keys and values may be together. An object beyond a limit is refused.
	Triggers, Parameters, Bytes int
}

// Checked is a ScaledObject after all checks.
type Checked struct {
	// Replicas is the policy of replicas.Decide.
	Replicas replicas.Spec
	// Interval is the time between two polls.
	Interval time.Duration
	// Target is the kind and name of the object to scale.
	Target     schema.GroupVersionKind
	TargetName string
	// Paused says that nothing is scaled. It is set even if the object is wrong. PausedAt is the number of replicas
	// during the pause; nil leaves them as they are.
	Paused   bool
	PausedAt *int32
	// Warnings name the values beyond a bound that are reduced to the bound.
	Warnings []string
}

// Subject is the object's name in verdicts.
func Subject(namespace, name string) verdict.Subject {
	return verdict.On("scaledobject", namespace+"/"+name)
}

// Parse checks so. The error has one line for each problem. An object that is too large is not checked further, so that
// it costs little.
func Parse(so *keda.ScaledObject, d Defaults) (Checked, error) {
	if err := TooLarge(so, d.Limits); err != nil {
		return Checked{Paused: so.NeedToBePausedByAnnotation()}, err
	}
	errs := append(bounds(so), unsupported(so)...)
	errs = append(errs, triggerNames(so)...)
	target, err := targetKind(so)
	if err != nil {
		errs = append(errs, err)
	}
	pausedAt, err := so.GetPausedReplicaCount()
	if err != nil || pausedAt != nil && *pausedAt < 0 {
		errs = append(errs, fmt.Errorf("metadata.annotations[%s]: %s is not a number of replicas", keda.PausedReplicasAnnotation, text.Quote(so.Annotations[keda.PausedReplicasAnnotation])))
	}
	if err := text.Join(errs...); err != nil {
		return Checked{Paused: so.NeedToBePausedByAnnotation()}, err
	}
	c := Checked{
		Replicas:   policy(so, d),
		Interval:   seconds(so.Spec.PollingInterval, d.PollingInterval),
		Target:     target,
		TargetName: so.Spec.ScaleTargetRef.Name,
		Paused:     so.NeedToBePausedByAnnotation(),
		PausedAt:   pausedAt,
	}
	if least := d.Limits.PollingInterval; c.Interval < least {
		c.Warnings = append(c.Warnings, fmt.Sprintf("spec.pollingInterval: %s is below scalers.minPollingInterval; it is polled every %s", c.Interval, least))
		c.Interval = least
	}
	return c, nil
}

// TooLarge says why so exceeds the limits. Such an object must not be checked further.
func TooLarge(so *keda.ScaledObject, l Limits) error {
	if n := len(so.Spec.Triggers); n > l.Triggers {
		return fmt.Errorf("spec.triggers: %d triggers are more than %d; split the object, or raise scalers.maxTriggers", n, l.Triggers)
	}
	for i, t := range so.Spec.Triggers {
		if n := len(t.Metadata); n > l.Parameters {
			return fmt.Errorf("spec.triggers[%d].metadata: %d parameters are more than %d; take some out, or raise scalers.maxTriggerParameters", i, n, l.Parameters)
		}
		bytes := len(t.Name) + len(t.Type)
		for key, value := range t.Metadata {
			bytes += len(key) + len(value)
		}
		if bytes > l.Bytes {
			return fmt.Errorf("spec.triggers[%d].metadata: %d bytes are more than %d; shorten the values, or raise scalers.maxTriggerBytes", i, bytes, l.Bytes)
		}
	}
	return nil
}

func policy(so *keda.ScaledObject, d Defaults) replicas.Spec {
	s := replicas.Spec{
		Subject:         Subject(so.Namespace, so.Name),
		Min:             value(so.Spec.MinReplicaCount, 0),
		Max:             so.GetHPAMaxReplicas(),
		Idle:            so.Spec.IdleReplicaCount,
		Cooldown:        seconds(so.Spec.CooldownPeriod, d.Cooldown),
		InitialCooldown: seconds(so.Spec.InitialCooldownPeriod, 0),
		Created:         so.CreationTimestamp.Time,
		NoReadings:      true,
		ForceActive:     so.NeedToForceActivation(),
		PauseIn:         so.NeedToPauseScaleIn(),
		PauseOut:        so.NeedToPauseScaleOut(),
	}
	for _, t := range so.Spec.Triggers {
		s.NoReadings = s.NoReadings && IsResource(t.Type)
	}
	if f := so.Spec.Fallback; f != nil {
		s.Fallback = &replicas.Fallback{FailureThreshold: f.FailureThreshold, Replicas: f.Replicas}
	}
	return s
}

// IsResource is true if the HPA itself reads triggers of that type.
func IsResource(triggerType string) bool { return triggerType == "cpu" || triggerType == "memory" }

func bounds(so *keda.ScaledObject) (errs []error) {
	bad := func(path string, n int32, format string, args ...any) {
		errs = append(errs, fmt.Errorf("spec.%s: %d %s", path, n, fmt.Sprintf(format, args...)))
	}
	s := &so.Spec
	for _, f := range []struct {
		path  string
		value *int32
		least int32
	}{
		{"pollingInterval", s.PollingInterval, 1}, {"cooldownPeriod", s.CooldownPeriod, 0},
		{"initialCooldownPeriod", s.InitialCooldownPeriod, 0}, {"idleReplicaCount", s.IdleReplicaCount, 0},
		{"minReplicaCount", s.MinReplicaCount, 0}, {"maxReplicaCount", s.MaxReplicaCount, 1},
	} {
		if f.value != nil && *f.value < f.least {
			bad(f.path, *f.value, "is below %d", f.least)
		}
	}
	least := int32(0)
	if s.MinReplicaCount != nil {
		least = *so.GetHPAMinReplicas() // an explicit minimum of 0 counts as 1 here
	}
	if most := so.GetHPAMaxReplicas(); least > most {
		bad("minReplicaCount", least, "is above maxReplicaCount, %d%s", most, ifDefault(s.MaxReplicaCount))
	}
	if s.IdleReplicaCount != nil && *s.IdleReplicaCount >= least {
		bad("idleReplicaCount", *s.IdleReplicaCount, "must be below minReplicaCount, %d%s", least, ifDefault(s.MinReplicaCount))
	}
	if f := s.Fallback; f != nil {
		if f.FailureThreshold < 0 {
			bad("fallback.failureThreshold", f.FailureThreshold, "is below 0")
		}
		if f.Replicas < 0 {
			bad("fallback.replicas", f.Replicas, "is below 0")
		}
	}
	if len(so.Name) > 63 { // the API server would refuse the HPA's selector
		errs = append(errs, fmt.Errorf("metadata.name: %s has more than 63 characters; it is the value of a label of the HPA, so give the object a shorter name", text.Quote(so.Name)))
	} else if name := hpa.Name(so); len(name) > 63 {
		errs = append(errs, fmt.Errorf("spec.advanced.horizontalPodAutoscalerConfig.name: %s has more than 63 characters", text.Quote(name)))
	}
	return errs
}

// unsupported names the fields that KEDA supports and trimtab does not.
func unsupported(so *keda.ScaledObject) (errs []error) {
	refuse := func(path, value, mend string) {
		errs = append(errs, fmt.Errorf("spec.%s: %s is not supported; %s", path, text.Quote(value), mend))
	}
	if a := so.Spec.Advanced; a != nil && a.RestoreToOriginalReplicaCount {
		refuse("advanced.restoreToOriginalReplicaCount", "true", "leave it out, the replicas then stay as they are when the ScaledObject is deleted")
	}
	if so.IsUsingModifiers() {
		refuse("advanced.scalingModifiers.formula", so.Spec.Advanced.ScalingModifiers.Formula, "write one trigger that computes it at its source")
	}
	if f := so.Spec.Fallback; f != nil {
		if f.Behavior != "" && f.Behavior != keda.FallbackBehaviorStatic {
			refuse("fallback.behavior", f.Behavior, "supported: static")
		}
		for i, t := range so.Spec.Triggers {
			if !IsResource(t.Type) && t.MetricType == "Value" {
				refuse(fmt.Sprintf("triggers[%d].metricType", i), "Value", "a fallback can stand in for AverageValue only")
			}
		}
	}
	return errs
}

func triggerNames(so *keda.ScaledObject) (errs []error) {
	if len(so.Spec.Triggers) == 0 {
		errs = append(errs, errors.New("spec.triggers: at least one trigger is required"))
	}
	seen := map[string]int{}
	onlyResources := true
	for i, t := range so.Spec.Triggers {
		onlyResources = onlyResources && IsResource(t.Type)
		if first, twice := seen[t.Name]; twice && t.Name != "" {
			errs = append(errs, fmt.Errorf("spec.triggers[%d].name: %s is the name of triggers[%d] already", i, text.Quote(t.Name), first))
		}
		seen[t.Name] = i
		if t.UseCachedMetrics && (IsResource(t.Type) || t.Type == "cron") {
			errs = append(errs, fmt.Errorf("spec.triggers[%d].useCachedMetrics: true cannot be used with the type %s", i, t.Type))
		}
	}
	if so.Spec.Fallback != nil && onlyResources {
		errs = append(errs, errors.New("spec.fallback: needs a trigger that is not cpu or memory"))
	}
	return errs
}

// Target is the kind and name that so scales; empty where so names none.
func Target(so *keda.ScaledObject) (schema.GroupVersionKind, string) {
	gvk, err := targetKind(so)
	if err != nil {
		return schema.GroupVersionKind{}, ""
	}
	return gvk, so.Spec.ScaleTargetRef.Name
}

func targetKind(so *keda.ScaledObject) (schema.GroupVersionKind, error) {
	ref := so.Spec.ScaleTargetRef
	if ref == nil || ref.Name == "" {
		return schema.GroupVersionKind{}, errors.New("spec.scaleTargetRef.name: is required")
	}
	gvk := schema.FromAPIVersionAndKind("apps/v1", "Deployment")
	if ref.Kind != "" {
		gvk.Kind = ref.Kind
	}
	if ref.APIVersion != "" {
		gv, err := schema.ParseGroupVersion(ref.APIVersion)
		if err != nil {
			return gvk, fmt.Errorf("spec.scaleTargetRef.apiVersion: %s is not a group and version", text.Quote(ref.APIVersion))
		}
		gvk.Group, gvk.Version = gv.Group, gv.Version
	}
	return gvk, nil
}

func value(n *int32, absent int32) int32 {
	if n == nil {
		return absent
	}
	return *n
}

func seconds(n *int32, absent time.Duration) time.Duration {
	if n == nil {
		return absent
	}
	return time.Duration(*n) * time.Second
}

// ifDefault ends a text about a value that the object does not set.
func ifDefault(set *int32) string {
	if set == nil {
		return " by default"
	}
	return ""
}
