package evict

import (
	"context"
	"maps"
	"math"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// Round tries each pod once, and returns those that stay, in their order. A pod that is gone already is no refusal, also
// where another one has its name.
func (e *Evictor) Round(ctx context.Context, pods []Pod) []Refusal {
	errs := make([]error, len(pods))
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i, p := range pods {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := e.evict(ctx, p); !gone(p.Pod, err) {
				errs[i] = err
			}
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

// gone is whether err says that the pod does not exist: nothing has its name, or another pod has. The API server names the
// UID that was asked for in a conflict of UIDs alone.
func gone(p *corev1.Pod, err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsConflict(err) && strings.Contains(err.Error(), string(p.UID))
}

// Grace is the time that a pod asks for to end.
func Grace(p *corev1.Pod) time.Duration {
	if p.Spec.TerminationGracePeriodSeconds == nil {
		return corev1.DefaultTerminationGracePeriodSeconds * time.Second
	}
	return Seconds(*p.Spec.TerminationGracePeriodSeconds)
}

// Seconds is n seconds; of more than 292 years, that much.
func Seconds(n int64) time.Duration {
	const most = int64(math.MaxInt64 / time.Second)
	return time.Duration(max(-most, min(n, most))) * time.Second
}
