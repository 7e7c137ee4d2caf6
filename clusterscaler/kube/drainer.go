package kube

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// DrainConfig bounds a drain.
type DrainConfig struct {
	// DelayAfterTaint lets the scheduler see the taint before the pods are counted again.
	DelayAfterTaint time.Duration
	// MaxPodEvictionTime is how long the eviction of a pod may be refused before the drain is undone.
	MaxPodEvictionTime time.Duration
	// MaxGracefulTermination caps the grace period of each pod, where there are no EvictionGroups; 0 caps nothing. A drain
	// is undone when a pod takes 30s longer than it has.
	MaxGracefulTermination time.Duration
	// EvictionGroups, in ascending order, are evicted one after another, each when all pods of those before it are gone.
	EvictionGroups []plan.EvictionGroup
	// DaemonSetsOfEmpty and DaemonSetsOfOccupied evict the pods of DaemonSets too, where no annotation of theirs says
	// otherwise: from a node without other pods to move, and from one with them. They are not waited for, but where there
	// are EvictionGroups.
	DaemonSetsOfEmpty, DaemonSetsOfOccupied bool
	// ExpendableBelow is the priority below which pods are neither evicted nor waited for: they end with their node.
	ExpendableBelow int32
	// DeletionDelay is how long an empty node is kept for the annotations that ask for it.
	DeletionDelay time.Duration
	// Poll is the time between two looks at the node and its pods; refused evictions are tried again as often.
	Poll time.Duration
}

// DrainDeps are what a Drainer works with.
type DrainDeps struct {
	Client client.Client
	Live   client.Reader
	Events events.EventRecorder
	Log    *slog.Logger
	Now    func() time.Time
	// Recheck says from fresh objects whether a node may still be removed.
	Recheck func(ctx context.Context, node string) (plan.Removal, verdict.Verdict, error)
	// Delete gives the node back to its provider.
	Delete func(ctx context.Context, group, node string) error
	// DeleteAllOrNothing gives all of the nodes back to their provider. It returns why the provider does not take some, by name.
	DeleteAllOrNothing func(ctx context.Context, group string, nodes []string) map[string]error
	// Finished is called with the outcome of each drain but one that the end of the process cut short.
	Finished func(Outcome)
}

// Outcome is how a drain ended.
type Outcome struct {
	Node, Group string
	// Empty and Unready are what the node was when its removal was planned; neither is known of one that another process
	// began to remove.
	Empty, Unready bool
	// At is when it ended.
	At time.Time
	// Err is nil when the provider has accepted to delete the node; else the node has been given back.
	Err error
}

// Drainer takes nodes out, several at a time, beside the loop that chooses them. It is safe for
// concurrent use.
type Drainer struct {
	cfg  DrainConfig
	deps DrainDeps
	wg   sync.WaitGroup

	mu    sync.Mutex
	nodes map[string]work
}

// work is how far the Drainer has come with a node, and since when.
type work struct {
	phase phase
	since time.Time
}

// phase is what the Drainer knows of a node before the cache shows it.
//
//	Begin -> going -> gone      until the node is no longer seen; Resume makes it going again
//	              \-> released  until it is seen without the taint
type phase uint8

const (
	going phase = iota + 1
	gone
	released
)

// NewDrainer makes a Drainer that does nothing yet.
func NewDrainer(cfg DrainConfig, deps DrainDeps) *Drainer {
	return &Drainer{cfg: cfg, deps: deps, nodes: map[string]work{}}
}

// Begin removes a node in the background. It does nothing for a node on which it is at work. The drain
// stops without undoing anything when ctx ends.
func (d *Drainer) Begin(ctx context.Context, r plan.Removal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if h, free := d.take(r.Node, false); free {
		d.wg.Go(func() { d.run(ctx, r, h, nil) })
	}
}

// Resume goes on with a node on which no drain of this process is at work: what another process began, or a node that
// stands though it was deleted. If the node may still go its removal is finished, else it is given back. Resume says
// whether it has begun to.
func (d *Drainer) Resume(ctx context.Context, node, group string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, free := d.take(node, true)
	if free {
		d.wg.Go(func() { d.run(ctx, plan.Removal{Node: node, Group: group}, h, nil) })
	}
	return free
}

// history is what has been done to a node before its drain.
type history struct {
	// resumed says that a drain has begun, and deleted, unless it is zero, when the provider accepted to delete the node.
	resumed bool
	deleted time.Time
}

// take makes the node one that is going, if no drain is at work on it. A node that was deleted is only taken to resume.
func (d *Drainer) take(node string, resume bool) (h history, free bool) {
	before := d.nodes[node]
	switch before.phase {
	case going:
		return history{}, false
	case gone:
		if !resume {
			return history{}, false
		}
		h.deleted = before.since
	}
	h.resumed = resume
	d.nodes[node] = work{going, d.deps.Now()}
	return h, true
}

// Wait returns when no drain is under way.
func (d *Drainer) Wait() { d.wg.Wait() }

// Observe takes note of the nodes as the loop observed them. It returns which of them are deleting, and as orphans
// those of them that no drain of this process works on, or has deleted.
func (d *Drainer) Observe(nodes []*corev1.Node) (deleting map[string]bool, orphans []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	deleting, orphans = d.deleting(nodes)
	seen := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		seen[n.Name] = true
		if w := d.nodes[n.Name]; w.ofAnother(n) || w.phase == released && !Going(n) {
			delete(d.nodes, n.Name)
		}
	}
	for name, w := range d.nodes {
		if !seen[name] && w.phase != going {
			delete(d.nodes, name)
		}
	}
	return deleting, orphans
}

// Deleting says which of the nodes are going. It takes note of nothing: they may be newer than those of a loop that is under way,
// which would take for an orphan what is forgotten now.
func (d *Drainer) Deleting(nodes []*corev1.Node) map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	deleting, _ := d.deleting(nodes)
	return deleting
}

func (d *Drainer) deleting(nodes []*corev1.Node) (deleting map[string]bool, orphans []string) {
	deleting = map[string]bool{}
	for _, n := range nodes {
		switch w := d.nodes[n.Name]; {
		case w.phase == going, w.phase == gone && !w.ofAnother(n):
			deleting[n.Name] = true
		case w.phase != released && Going(n):
			deleting[n.Name] = true
			orphans = append(orphans, n.Name)
		}
	}
	return deleting, orphans
}

// ofAnother is whether it was another node of that name that was deleted.
func (w work) ofAnother(n *corev1.Node) bool {
	return w.phase == gone && n.CreationTimestamp.After(w.since)
}

// undoTimeout bounds the return of a node after its drain has failed.
const undoTimeout = 30 * time.Second

// run is one drain from beginning to end. t is nil for a node that goes alone.
func (d *Drainer) run(ctx context.Context, r plan.Removal, h history, t *allOrNothing) {
	var err error
	if t == nil {
		err = d.drain(ctx, r, h, func(ctx context.Context) error { return d.deps.Delete(ctx, r.Group, r.Node) })
	} else if err = d.drain(t.ctx, r, h, func(ctx context.Context) error { return t.leave(ctx, r.Node) }); err != nil {
		err = t.fail(r.Node, err)
	}
	switch {
	case err == nil:
		d.set(r.Node, gone)
	case ctx.Err() != nil:
		d.deps.Log.Info("a drain is left to the next process", "node", r.Node)
		d.forget(r.Node)
		return
	default:
		err = d.giveBack(ctx, r, err)
	}
	d.deps.Finished(Outcome{Node: r.Node, Group: r.Group, Empty: r.Empty, Unready: r.Unready, At: d.deps.Now(), Err: err})
}

// giveBack takes the taint off again. If it cannot, the node stays an orphan that is looked at again.
func (d *Drainer) giveBack(ctx context.Context, r plan.Removal, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	err := setTaint(ctx, d.deps.Live, d.deps.Client, r.Node, false, d.deps.Now())
	if client.IgnoreNotFound(err) != nil {
		d.forget(r.Node)
		return errors.Join(cause, err)
	}
	d.set(r.Node, released)
	d.event(ctx, r.Node, corev1.EventTypeWarning, "ScaleDownFailed", "the node is kept: "+cause.Error())
	return cause
}

func (d *Drainer) set(node string, p phase) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes[node] = work{p, d.deps.Now()}
}

func (d *Drainer) forget(node string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.nodes, node)
}

// event writes an Event on a node, as far as the node can be had.
func (d *Drainer) event(ctx context.Context, name, kind, reason, note string) {
	node := &corev1.Node{}
	if err := d.deps.Live.Get(ctx, client.ObjectKey{Name: name}, node); err != nil {
		return
	}
	d.deps.Events.Eventf(node, nil, kind, reason, "ScaleDown", "%s", note)
}
