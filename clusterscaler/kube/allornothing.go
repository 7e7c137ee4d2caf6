package kube

import (
	"context"
	"fmt"
	"sync"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// allOrNothing is the nodes of a group that has all of its nodes or none: all are deleted once each has been emptied, or none is.
type allOrNothing struct {
	// ctx ends when one of them cannot go.
	ctx    context.Context
	cancel context.CancelFunc
	nodes  []string
	// delete removes all of them.
	delete func(ctx context.Context, nodes []string) map[string]error
	// done is closed when they have been deleted, but for those in errs.
	done chan struct{}
	errs map[string]error

	mu sync.Mutex
	// missing is how many have not been emptied.
	missing int
	// failed is the first that could not go, and why.
	failed string
	cause  error
}

// BeginAllOrNothing is Begin for all nodes of a group, which go together or not at all.
func (d *Drainer) BeginAllOrNothing(ctx context.Context, rs []plan.Removal) {
	d.startAllOrNothing(ctx, rs, false)
}

// ResumeAllOrNothing is Resume for such nodes. It returns those of them that it has begun to.
func (d *Drainer) ResumeAllOrNothing(ctx context.Context, group string, nodes []string) []string {
	rs := make([]plan.Removal, len(nodes))
	for i, node := range nodes {
		rs[i] = plan.Removal{Node: node, Group: group}
	}
	return d.startAllOrNothing(ctx, rs, true)
}

func (d *Drainer) startAllOrNothing(ctx context.Context, rs []plan.Removal, resume bool) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := &allOrNothing{done: make(chan struct{})}
	var members []plan.Removal
	var histories []history
	for _, r := range rs {
		if h, free := d.take(r.Node, resume); free {
			members, histories = append(members, r), append(histories, h)
			t.nodes = append(t.nodes, r.Node)
		}
	}
	if len(members) == 0 {
		return nil
	}
	group := members[0].Group
	t.ctx, t.cancel = context.WithCancel(ctx)
	t.missing = len(members)
	t.delete = func(ctx context.Context, nodes []string) map[string]error {
		return d.deps.DeleteAllOrNothing(ctx, group, nodes)
	}
	var left sync.WaitGroup
	for i, r := range members {
		left.Add(1)
		d.wg.Go(func() {
			defer left.Done()
			d.run(ctx, r, histories[i], t)
		})
	}
	d.wg.Go(func() {
		left.Wait()
		t.cancel()
	})
	return t.nodes
}

// leave says that the node is empty, and returns when all of them have been deleted, or one could not go.
func (t *allOrNothing) leave(ctx context.Context, node string) error {
	if t.isLast() {
		t.errs = t.delete(ctx, t.nodes)
		close(t.done)
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		select {
		case <-t.done: // ctx ended because another could not be deleted
		default:
			return ctx.Err()
		}
	}
	return t.errs[node]
}

func (t *allOrNothing) isLast() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missing--
	return t.missing == 0
}

// fail stops the others, and says why the node does not go: for those it is the first that could not.
func (t *allOrNothing) fail(node string, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cause == nil {
		t.failed, t.cause = node, err
		t.cancel()
	}
	if t.failed == node {
		return err
	}
	return fmt.Errorf("all nodes of its group go or none, and node %s could not: %w", t.failed, t.cause)
}
