package clusterscaler

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// outcomes are those of drains that ended since the last loop. It is safe for concurrent use.
type outcomes struct {
	mu    sync.Mutex
	ended []kube.Outcome
}

func (o *outcomes) add(one kube.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = append(o.ended, one)
}

// take returns them, and begins anew.
func (o *outcomes) take() []kube.Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	ended := o.ended
	o.ended = nil
	return ended
}

// finished takes the outcome of a drain, and starts a loop that learns of it.
func (c *ClusterScaler) finished(o kube.Outcome) {
	c.outcomes.add(o)
	c.signal()
}

// learn puts the outcomes of drains into the memory.
func (c *ClusterScaler) learn() {
	for _, o := range c.outcomes.take() {
		if o.Err != nil {
			c.memory = c.memory.DeleteFailed(o.Node, o.Group, c.deps.Now())
		} else {
			c.memory = c.memory.Deleted(o.Node, o.Group, o.At)
		}
		c.report.RemovalEnded(o, c.memory.Deletions[o.Node].Times > 1)
	}
}

// observeTimeout bounds an observation; only the first, which fills the cache, takes long.
const observeTimeout = 2 * time.Minute

// observation is what a loop reads.
type observation struct {
	kube.Observation
	view     fleet.View
	deleting map[string]bool
	// orphans are nodes whose removal has begun, and that no drain of this process works on.
	orphans map[string]bool
}

// observe reads the objects and the groups, and says what to believe of the groups.
func (c *ClusterScaler) observe(ctx context.Context) (*observation, error) {
	ctx, cancel := context.WithTimeout(ctx, observeTimeout)
	defer cancel()
	objects, err := c.observer.Observe(ctx)
	if err != nil {
		return nil, err
	}
	asked := c.deps.Now()
	groups, err := c.provider.Observe(ctx, objects.Nodes)
	c.report.ProviderObserved(c.deps.Now().Sub(asked))
	if err != nil {
		err = fmt.Errorf("node groups: %w", err)
		c.recheck.cloud.fails(err)
		return nil, err
	}
	// Each write asks this again. Asked here, it also holds back actions that could not be done, and Events about them.
	if err := c.deps.Kube.MayWrite(); err != nil {
		return nil, err
	}
	deleting, tainted := c.drainer.Observe(objects.Nodes)
	orphans := make(map[string]bool, len(tainted))
	for _, node := range tainted {
		orphans[node] = true
	}
	view, memory := fleet.Judge(groups, registered(objects.Nodes, deleting), c.memory.Memory, c.policy.Policy, c.deps.Now())
	c.memory.Memory = memory
	c.recheck.cloud.seen(groups, view, memory, asked)
	return &observation{c.observed(objects, &view, deleting), view, deleting, orphans}, nil
}

// observed is what a Snapshot is made of, in the loop and in a recheck.
func (c *ClusterScaler) observed(objects *kube.Objects, view *fleet.View, deleting map[string]bool) kube.Observation {
	return kube.Observation{
		Objects: objects, Groups: plan.GroupsOf(view.Groups, view.Templates), GroupOf: view.Member, Now: c.deps.Now(), ExamplesFor: c.cfg.NodeInfoCacheExpireTime.Std(),
		Deleting: func(n *corev1.Node) bool { return deleting[n.Name] },
	}
}
