package clusterscaler

import (
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/grpcexpander"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/record"
)

// ErrNoLoop is why nothing can be explained.
var ErrNoLoop = errors.New("no loop has been run here yet; ask the replica that leads (the Lease names it)")

// ErrUnknown says that the last loop has not seen what is asked for.
var ErrUnknown = errors.New("not seen by the last loop")

// lastPlan makes the plans, and keeps the last one with all that it was made of, to explain and record it. The loop alone
// makes plans; the other methods are safe for concurrent use. The lock is held while a snapshot is made and read, since it
// shares its classes with the next.
type lastPlan struct {
	mu         sync.Mutex
	translator kube.Translator
	planner    plan.Planner
	// seen is what the snapshot was made of, without the pods, which the translator has.
	seen kube.Observation
	// snapshot is nil before the first plan.
	snapshot *plan.Snapshot
	// before is the memory that the plan was made with.
	before plan.Memory
	policy plan.Policy
	at     time.Time
	plan   plan.Plan
	// reasons are those of the plan, once somebody has asked for them.
	reasons plan.Reasons
}

// decide makes a plan of an observation. The error is why pods with volumes or device claims are left alone in it.
func (l *lastPlan) decide(seen *kube.Observation, memory plan.Memory, policy plan.Policy) (*plan.Plan, plan.Memory, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.snapshot = l.translator.Snapshot(seen)
	l.seen, l.before, l.policy, l.at = withoutPods(*seen), memory, policy, seen.Now
	p, memory := l.planNow()
	return p, memory, l.translator.Trouble()
}

// decideAgain makes the last plan anew, with an answer to its question.
func (l *lastPlan) decideAgain(best []string) (*plan.Plan, plan.Memory) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before = l.before.Answered(l.plan.Question, best)
	return l.planNow()
}

// planNow makes the plan. mu is held.
func (l *lastPlan) planNow() (*plan.Plan, plan.Memory) {
	var memory plan.Memory
	l.reasons = nil
	l.plan, memory = l.planner.Decide(l.snapshot, l.before, l.policy, l.at)
	return &l.plan, memory
}

// withoutPods is the observation without what the translator has: the pods and their owners.
func withoutPods(seen kube.Observation) kube.Observation {
	objects := *seen.Objects
	objects.Pods, objects.Changes, objects.OwnerMissing, objects.FewReplicas = nil, nil, nil, nil
	seen.Objects = &objects
	return seen
}

// pod is the object of a pod of the plan. The loop alone calls it.
func (l *lastPlan) pod(name string) *corev1.Pod { return l.translator.Pod(name) }

// options are the choices of a question of the plan. The loop alone calls it.
func (l *lastPlan) options(q plan.Question) []grpcexpander.Option {
	return grpcexpander.Options(l.snapshot, q, l.translator.Pod)
}

// explain says what the plan, made at the returned time, has of a pod (namespace/name), a node or a headroom, and why.
func (l *lastPlan) explain(kind, name string) (plan.Explanation, time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.snapshot == nil {
		return plan.Explanation{}, time.Time{}, ErrNoLoop
	}
	var e plan.Explanation
	var known bool
	switch kind {
	case "pod":
		e, known = plan.ExplainPod(l.snapshot, &l.plan, l.knownReasons, l.policy, l.at, name)
	case "node":
		e, known = plan.ExplainNode(l.snapshot, &l.plan, l.policy, l.at, name)
	case "headroom":
		e, known = plan.ExplainHeadroom(&l.plan, name)
	}
	if !known {
		return plan.Explanation{}, l.at, fmt.Errorf("%s %q: %w", kind, name, ErrUnknown)
	}
	return e, l.at, nil
}

// knownReasons are those of the plan, which are found once, however many ask. mu is held.
func (l *lastPlan) knownReasons() plan.Reasons {
	if l.reasons == nil {
		l.reasons = l.planner.Reasons(l.snapshot, l.before, l.policy, l.at)
	}
	return l.reasons
}

// record is what the plan was made of, and the plan.
func (l *lastPlan) record() (*record.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.snapshot == nil {
		return nil, ErrNoLoop
	}
	r := &record.Record{
		Seen: l.seen, Owners: l.translator.Owners(), Memory: l.before, Policy: l.policy, Outcome: record.OutcomeOf(&l.plan),
	}
	objects := *l.seen.Objects
	objects.Pods = l.translator.Pods()
	r.Seen.Objects, r.Seen.Examples = &objects, l.translator.Examples()
	return r, nil
}

// Explain says what the last loop, begun at the returned time, made of a pod (namespace/name), a node or a headroom, and why.
func (c *ClusterScaler) Explain(kind, name string) (plan.Explanation, time.Time, error) {
	return c.last.explain(kind, name)
}

// Record is what the plan of the last loop was made of, and that plan. It shares its objects with the cache, which never
// changes them, and so it can be written while the next loops go on.
func (c *ClusterScaler) Record() (*record.Record, error) { return c.last.record() }
