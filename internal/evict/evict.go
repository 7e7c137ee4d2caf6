package evict

import (
	"context"
	"maps"
	"math"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// parallel is how many evictions an Evictor sends at the same time.
	parallel = 8
	// forgetAfter is how long a refusal is remembered after the last round with its pod.
	forgetAfter = 10 * time.Minute
)

// Pod is a pod to evict.
type Pod struct {
	*corev1.Pod
	// MaxGrace is the maximum grace period; 0 means the pod's own.
	MaxGrace time.Duration
}

// Refusal is an eviction that did not happen. In most cases a disruption budget refuses it (429 Too Many Requests).
type Refusal struct {
	Pod *corev1.Pod
	// For is how long every round with this pod was refused.
	For time.Duration
	Err error
}

// Evictor evicts pods in rounds. Make it with New. It is not safe for concurrent use.
type Evictor struct {
	client  client.SubResourceClientConstructor
	now     func() time.Time
	refused map[types.UID]span
}

// span is the time from the first refusal of a pod to the last.
type span struct{ first, last time.Time }

// New makes an Evictor without earlier refusals.
func New(c client.SubResourceClientConstructor, now func() time.Time) *Evictor {
	return &Evictor{client: c, now: now, refused: map[types.UID]span{}}
}

// Round tries each pod once, and returns the refusals, in the order of pods. A pod that is already deleted is no
// refusal.
func (e *Evictor) Round(ctx context.Context, pods []Pod) []Refusal {
	errs := make([]error, len(pods))
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i, p := range pods {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = client.IgnoreNotFound(e.evict(ctx, p))
		})
	}
	wg.Wait()
	now := e.now()
	maps.DeleteFunc(e.refused, func(_ types.UID, s span) bool { return now.Sub(s.last) > forgetAfter })
	var stay []Refusal
	for i, p := range pods {
		if errs[i] == nil {
			delete(e.refused, p.UID)
			continue
		}
		first := now
		if s, again := e.refused[p.UID]; again {
			first = s.first
		}
		e.refused[p.UID] = span{first, now}
		stay = append(stay, Refusal{Pod: p.Pod, For: now.Sub(first), Err: errs[i]})
	}
	return stay
}

func (e *Evictor) evict(ctx context.Context, p Pod) error {
	period := Grace(p.Pod)
	if p.MaxGrace > 0 {
		period = min(period, p.MaxGrace)
	}
	seconds := int64(period / time.Second)
	return e.client.SubResource("eviction").Create(ctx, p.Pod, &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace},
		DeleteOptions: &metav1.DeleteOptions{
			GracePeriodSeconds: &seconds,
			Preconditions:      &metav1.Preconditions{UID: &p.UID},
		},
	})
}

// Grace is the pod's own grace period, or 292 years if it is longer.
func Grace(p *corev1.Pod) time.Duration {
	if p.Spec.TerminationGracePeriodSeconds == nil {
		return corev1.DefaultTerminationGracePeriodSeconds * time.Second
	}
	return time.Duration(min(*p.Spec.TerminationGracePeriodSeconds, int64(math.MaxInt64/time.Second))) * time.Second
}
