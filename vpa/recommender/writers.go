package recommender

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"golang.org/x/sync/errgroup"

	"github.com/trimtab/trimtab/internal/wanted"
)

// After a failed write its object waits for minPause, which doubles up to maxPause. The writes of a round may take
// statusesTimeout; the next round requests the rest again.
const (
	minPause        = 30 * time.Second
	maxPause        = 10 * time.Minute
	statusesTimeout = 5 * time.Minute
)

// writers send the writes that rounds request to the API server, in the background. An object whose write hangs or
// fails has the last turn.
type writers struct {
	statuses    *wanted.Writer[*plan]
	checkpoints *wanted.Writer[*dueCheckpoint]
	// leftovers removes the checkpoints of VPAs that are not in the map.
	leftovers *wanted.Writer[map[types.NamespacedName]bool]
}

func (r *Recommender) newWriters() writers {
	c := wanted.Config{Workers: r.cfg.UpdateWorkerCount, Timeout: writeTimeout, MinPause: minPause, MaxPause: maxPause, Now: r.now}
	collecting := c
	collecting.Workers, collecting.Timeout = 1, r.cfg.CheckpointsTimeout.Std()
	return writers{
		statuses: wanted.New(c, func(ctx context.Context, w wanted.Write[*plan]) error {
			return r.writeStatus(ctx, w.Value)
		}),
		checkpoints: wanted.New(c, func(ctx context.Context, w wanted.Write[*dueCheckpoint]) error {
			return r.writeCheckpoint(ctx, w.Value)
		}),
		leftovers: wanted.New(collecting, func(ctx context.Context, w wanted.Write[map[types.NamespacedName]bool]) error {
			return r.removeLeftovers(ctx, w.Value)
		}),
	}
}

// run writes until ctx ends.
func (w *writers) run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return w.statuses.Run(ctx) })
	g.Go(func() error { return w.checkpoints.Run(ctx) })
	g.Go(func() error { return w.leftovers.Run(ctx) })
	return g.Wait()
}

// isEnd is true if a write failed because the program ends. That is not reported.
func isEnd(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// wrote is a successful write, for the memory of the next round.
type wrote struct {
	// status is the state of the VPA whose status was written. Otherwise checkpoint is the container whose checkpoint
	// was written, with so many changes.
	status     *state
	checkpoint *container
	changes    int
	at         time.Time
}

// note records a write for the next round, which owns the memory.
func (r *Recommender) note(w wrote) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrote = append(r.wrote, w)
}

// learn applies the writes since the last round to the memory.
func (r *Recommender) learn() {
	r.mu.Lock()
	all := r.wrote
	r.wrote = nil
	r.mu.Unlock()
	for _, w := range all {
		if w.status != nil {
			w.status.statusWritten = w.at
			continue
		}
		c := &w.checkpoint.checkpoint
		c.exists, c.saved, c.written = true, w.changes, w.at
	}
}
