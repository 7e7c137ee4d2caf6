package clusterscaler

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// look is what the last loop saw, and what it made of it. The lock is held while the snapshot is made and read, since
// one and the next share their classes.
type look struct {
	sync.Mutex
	// seen is what the snapshot was made of, without the pods, which the translator has.
	seen     kube.Observation
	snapshot *plan.Snapshot
	before   plan.Memory
	policy   plan.Policy
	at       time.Time
	plan     plan.Plan
	// reasons are those of the plan, once somebody has asked for them.
	reasons plan.Reasons
}

// ErrNoLoop is why nothing can be explained.
var ErrNoLoop = errors.New("no loop has been run here yet; ask the replica that leads (the Lease names it)")

// ErrUnknown says that the last loop has not seen what is asked for.
var ErrUnknown = errors.New("not seen by the last loop")

// reasons are those of the last plan, which are found once, however many ask. The lock of the look is held.
func (c *ClusterScaler) reasons() plan.Reasons {
	l := &c.look
	if l.reasons == nil {
		l.reasons = c.planner.Reasons(l.snapshot, l.before, l.policy, l.at)
	}
	return l.reasons
}

// Explain says what the last loop, begun at the returned time, made of a pod (namespace/name), a node or a headroom, and why.
func (c *ClusterScaler) Explain(kind, name string) (plan.Explanation, time.Time, error) {
	c.look.Lock()
	defer c.look.Unlock()
	l := &c.look
	if l.snapshot == nil {
		return plan.Explanation{}, time.Time{}, ErrNoLoop
	}
	var e plan.Explanation
	var known bool
	switch kind {
	case "pod":
		e, known = plan.ExplainPod(l.snapshot, &l.plan, c.reasons, l.policy, l.at, name)
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
