package clusterscaler

import (
	"context"
	"sync"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// rechecker has what drains need beside fresh objects to check their nodes again. It is safe for concurrent use.
type rechecker struct {
	cloud cloudView
	// translating is held by one recheck at a time: they share the translator.
	translating sync.Mutex
	translator  kube.Translator

	mu sync.Mutex
	// examples of groups that have lost their nodes, as the last loop knew them.
	examples kube.Examples
}

func (r *rechecker) setExamples(all kube.Examples) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.examples = all
}

func (r *rechecker) knownExamples() kube.Examples {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.examples
}

// plan says of a fresh observation whether the node may still be removed.
func (r *rechecker) plan(seen *kube.Observation, memory plan.Memory, policy plan.Policy, node string) (plan.Removal, verdict.Verdict) {
	seen.Examples = r.knownExamples()
	r.translating.Lock()
	defer r.translating.Unlock()
	return plan.Recheck(r.translator.Snapshot(seen), memory, policy, seen.Now, node)
}

// recheckNode says whether a node whose removal has begun may still be removed. It reads the objects anew. Of the cloud it
// knows what the last loop observed.
func (c *ClusterScaler) recheckNode(ctx context.Context, node string) (plan.Removal, verdict.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, observeTimeout)
	defer cancel()
	observer := c.observer
	observer.Live = c.deps.drain().Live
	objects, err := observer.ObserveFresh(ctx, node)
	if err != nil {
		return plan.Removal{}, verdict.Verdict{}, err
	}
	deleting := c.drainer.Deleting(objects.Nodes)
	deleting[node] = true
	view, memory, err := c.recheck.cloud.now(registered(objects.Nodes, deleting), c.policy.Policy, c.deps.Now(), c.cfg.ScanInterval.Std()+observeTimeout)
	if err != nil {
		return plan.Removal{}, verdict.Verdict{}, err
	}
	seen := c.observed(objects, &view, deleting)
	removal, v := c.recheck.plan(&seen, plan.Memory{Memory: memory}, c.policy, node)
	return removal, v, nil
}
