package kube

import (
	"context"
	"sync"
	"time"
)

// Batcher collects the nodes of a group that are to be deleted for a while, and deletes them together. Make it with
// NewBatcher. It is safe for concurrent use.
type Batcher struct {
	interval time.Duration
	// delete removes nodes of a group. It returns why some cannot be, by name.
	delete func(ctx context.Context, group string, nodes []string) map[string]error

	mu sync.Mutex
	// open has for each group the batch that still takes nodes.
	open map[string]*batch
}

// batch is what is deleted together.
type batch struct {
	nodes []string
	// done is closed when errs has what became of each node; no error is no entry.
	done chan struct{}
	errs map[string]error
}

// NewBatcher makes one that collects for interval; 0 deletes each node at once.
func NewBatcher(interval time.Duration, remove func(ctx context.Context, group string, nodes []string) map[string]error) *Batcher {
	return &Batcher{interval: interval, delete: remove, open: map[string]*batch{}}
}

// Delete returns when the node has been deleted, with what became of this one alone. Who comes first waits for others and
// deletes for all, under its ctx: those of one batch end together.
func (b *Batcher) Delete(ctx context.Context, group, node string) error {
	if b.interval <= 0 {
		return b.delete(ctx, group, []string{node})[node]
	}
	mine, first := b.join(group, node)
	if first {
		err := wait(ctx, b.interval)
		b.close(group)
		if err != nil {
			mine.fail(err)
		} else {
			b.run(ctx, group, mine)
		}
		close(mine.done)
	}
	<-mine.done
	return mine.errs[node]
}

// join adds the node to the group's batch, which it opens if it is the first.
func (b *Batcher) join(group, node string) (mine *batch, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	mine, known := b.open[group]
	if !known {
		mine = &batch{done: make(chan struct{}), errs: map[string]error{}}
		b.open[group] = mine
	}
	mine.nodes = append(mine.nodes, node)
	return mine, !known
}

// close lets the next node of the group open another batch.
func (b *Batcher) close(group string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, group)
}

// run deletes the nodes together. Some providers have one error for all of them: of those that are refused each is then tried on
// its own, so that only those fail that cannot be deleted.
func (b *Batcher) run(ctx context.Context, group string, mine *batch) {
	mine.errs = b.delete(ctx, group, mine.nodes)
	if len(mine.nodes) == 1 || ctx.Err() != nil {
		return
	}
	for _, node := range mine.nodes {
		if mine.errs[node] != nil {
			mine.errs[node] = b.delete(ctx, group, []string{node})[node]
		}
	}
}

func (m *batch) fail(err error) {
	for _, node := range m.nodes {
		m.errs[node] = err
	}
}
