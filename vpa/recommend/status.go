package recommend

import (
	"math"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/trimtab/trimtab/internal/text"
)

// Drift is the share by which a bound may differ from the published bound without a write.
const Drift = 0.01

// Outcome is the result of a round for one VPA.
type Outcome struct {
	// Unsupported is why the target cannot be read; empty when it can.
	Unsupported string
	// Pods is the number of pods that match.
	Pods       int
	Containers []vpav1.RecommendedContainerResources
}

// NextStatus is the status that follows old. Conditions are sorted by type, and change their time only with their
// status. Conditions that this package does not know are kept, except ConfigDeprecated.
func NextStatus(old vpav1.VerticalPodAutoscalerStatus, generation int64, o Outcome, now time.Time) vpav1.VerticalPodAutoscalerStatus {
	next := *old.DeepCopy()
	next.ObservedGeneration = &generation
	if next.Recommendation == nil && len(o.Containers) > 0 {
		next.Recommendation = &vpav1.RecommendedPodResources{}
	}
	if next.Recommendation != nil {
		next.Recommendation.ContainerRecommendations = o.Containers
	}
	cs := conditions{list: next.Conditions, now: metav1.NewTime(now.Truncate(time.Second))}
	cs.drop(vpav1.ConfigDeprecated)
	if o.Unsupported != "" {
		cs.set(vpav1.ConfigUnsupported, corev1.ConditionTrue, "", o.Unsupported)
	} else {
		cs.drop(vpav1.ConfigUnsupported)
	}
	reason, message := "", ""
	if o.Pods == 0 {
		reason, message = "NoPodsMatched", "No pods match this VPA object"
		cs.set(vpav1.NoPodsMatched, corev1.ConditionTrue, reason, message)
	} else {
		cs.drop(vpav1.NoPodsMatched)
	}
	if len(o.Containers) > 0 {
		cs.set(vpav1.RecommendationProvided, corev1.ConditionTrue, "", "")
	} else {
		cs.set(vpav1.RecommendationProvided, corev1.ConditionFalse, reason, message)
	}
	slices.SortFunc(cs.list, func(a, b vpav1.VerticalPodAutoscalerCondition) int {
		return strings.Compare(string(a.Type), string(b.Type))
	})
	next.Conditions = cs.list
	return next
}

type conditions struct {
	list []vpav1.VerticalPodAutoscalerCondition
	now  metav1.Time
}

func (c *conditions) drop(t vpav1.VerticalPodAutoscalerConditionType) {
	c.list = slices.DeleteFunc(c.list, func(x vpav1.VerticalPodAutoscalerCondition) bool { return x.Type == t })
}

func (c *conditions) set(t vpav1.VerticalPodAutoscalerConditionType, s corev1.ConditionStatus, reason, message string) {
	i := slices.IndexFunc(c.list, func(x vpav1.VerticalPodAutoscalerCondition) bool { return x.Type == t })
	if i < 0 {
		i = len(c.list)
		c.list = append(c.list, vpav1.VerticalPodAutoscalerCondition{Type: t})
	}
	old := &c.list[i]
	if old.Status != s {
		old.LastTransitionTime = c.now
	}
	old.Status, old.Reason, old.Message = s, reason, text.Line(message)
}

// Condition returns whether a condition is true in a status.
func Condition(s vpav1.VerticalPodAutoscalerStatus, t vpav1.VerticalPodAutoscalerConditionType) bool {
	return slices.ContainsFunc(s.Conditions, func(c vpav1.VerticalPodAutoscalerCondition) bool {
		return c.Type == t && c.Status == corev1.ConditionTrue
	})
}

// WorthWriting says whether next should replace old now. Bounds move with every sample, since they contain the
// confidence. Writing each change would be one write per VPA and round. So a bound that moved by Drift or less waits
// until something else changes or the status is older than patience. Equal statuses are never written.
func WorthWriting(old, next vpav1.VerticalPodAutoscalerStatus, age, patience time.Duration) bool {
	if equality.Semantic.DeepEqual(old, next) {
		return false
	}
	return age >= patience ||
		!equality.Semantic.DeepEqual(old.Conditions, next.Conditions) ||
		!equality.Semantic.DeepEqual(old.ObservedGeneration, next.ObservedGeneration) ||
		!near(old.Recommendation, next.Recommendation)
}

func near(a, b *vpav1.RecommendedPodResources) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.ContainerRecommendations, b.ContainerRecommendations,
		func(x, y vpav1.RecommendedContainerResources) bool {
			return x.ContainerName == y.ContainerName &&
				equality.Semantic.DeepEqual(x.Target, y.Target) &&
				equality.Semantic.DeepEqual(x.UncappedTarget, y.UncappedTarget) &&
				nearList(x.LowerBound, y.LowerBound) && nearList(x.UpperBound, y.UpperBound)
		})
}

func nearList(a, b corev1.ResourceList) bool {
	if len(a) != len(b) {
		return false
	}
	for name, x := range a {
		y, ok := b[name]
		before, after := float64(toAmount(name, x)), float64(toAmount(name, y))
		if !ok || math.Abs(after-before) > Drift*before {
			return false
		}
	}
	return true
}

// toAmount is a quantity in milli-cores or bytes.
func toAmount(name corev1.ResourceName, q resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}
