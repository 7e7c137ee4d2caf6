package clusterscaler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/journal"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/internal/wanted"
)

// partName is the name of the part in the journal.
const partName = "clusterScaler"

// Provider makes node groups grow and shrink.
type Provider interface {
	// Groups are the groups as they stand, with the group of each of the nodes that has one.
	Groups(ctx context.Context, nodes []*corev1.Node) ([]plan.Group, map[string]string, error)
	// Increase makes a group of that size grow.
	Increase(ctx context.Context, group string, from, by int) error
	// Decrease makes a group of that size work towards fewer nodes: those that have failed or have not come. None that
	// stands goes.
	Decrease(ctx context.Context, group string, from, by int) error
	// Delete removes nodes of a group, or instances that Groups called unregistered; the group shrinks by as many.
	Delete(ctx context.Context, group string, nodes []string) error
	// Run does what the provider does beside these calls, until ctx ends.
	Run(ctx context.Context) error
}

// Deps are what the part works with.
type Deps struct {
	Kube *sharedkube.Kube
	// Drain has the budget of requests that the drains and the provider use, so that nothing else holds them up. nil is Kube.
	Drain    *sharedkube.Kube
	Journal  *journal.Journal
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time
}

func (d *Deps) drain() *sharedkube.Kube { return cmp.Or(d.Drain, d.Kube) }

// ClusterScaler is the part. Make it with New.
type ClusterScaler struct {
	cfg      Config
	policy   plan.Policy
	deps     Deps
	provider Provider
	observer kube.Observer
	drainer  *kube.Drainer
	metrics  *metrics
	events   announcer
	// expander answers for the expander grpc; nil without it. expanderTrouble is why it did not the last time.
	expander        expander
	expanderTrouble string
	// memory, translator and priorities, with why they could not be read the last time, are used by the loop alone. planner is
	// used under the lock of look.
	memory            plan.Memory
	planner           plan.Planner
	translator        kube.Translator
	priorities        []plan.Priority
	prioritiesTrouble string
	// marks are the soft taints; recalled says that those were read that were there at the start.
	marks    *kube.SoftTaints
	recalled bool
	slow     slowLoops
	// pauses are of requests to the provider that failed.
	pauses wanted.Pauses
	// judging is the translator of those who look again at a node that is going, one after another.
	judging struct {
		sync.Mutex
		translator kube.Translator
	}
	look   look
	status statusMap
	// missing are the optional kinds that the API server does not serve; nil before it was asked.
	missing atomic.Pointer[[]schema.GroupVersionKind]
	// wake starts a loop at once.
	wake chan struct{}

	mu       sync.Mutex
	outcomes []kube.Outcome
	planned  bool
	trouble  error
}

// New makes the part; Run starts it.
func New(cfg Config, deps Deps) (*ClusterScaler, error) {
	provider, err := newProvider(&cfg, deps)
	if err != nil {
		return nil, err
	}
	asked, err := newExpander(&cfg)
	if err != nil {
		return nil, err
	}
	c := newWith(cfg, deps, provider)
	c.expander = asked
	return c, nil
}

func newWith(cfg Config, deps Deps, provider Provider) *ClusterScaler {
	c := &ClusterScaler{
		cfg: cfg, policy: cfg.Policy(), deps: deps, provider: provider,
		observer: kube.Observer{
			Cached: deps.Kube.Client, Live: deps.Kube.Live, Taints: cfg.NodeTaints(), MinReplicas: cfg.MinReplicaCount,
			ExpendableBelow: cfg.ExpendablePodsPriorityCutoff,
		},
		metrics: newMetrics(deps.Registry),
		events:  announcer{recorder: deps.Kube.Events, said: map[string]string{}},
		wake:    make(chan struct{}, 1),
		pauses:  wanted.Pauses{Min: actMinPause, Max: actMaxPause},
	}
	c.marks = kube.NewSoftTaints(kube.SoftTaintConfig{
		MaxCount: cfg.MaxBulkSoftTaintCount, MaxTime: cfg.MaxBulkSoftTaintTime.Std(), Now: deps.Now,
	}, deps.Kube.Client, deps.Log)
	c.status.writer = c.newStatusWriter()
	c.observer.Missing = c.isMissing
	if deps.Kube.Cache != nil {
		c.observer.Pods, c.observer.Nodes = kube.StoredPods(deps.Kube.Cache), kube.StoredNodes(deps.Kube.Cache)
	}
	c.drainer = kube.NewDrainer(cfg.drain(), kube.DrainDeps{
		Client: deps.drain().Client, Live: deps.drain().Live, Events: deps.Kube.Events, Log: deps.Log, Now: deps.Now,
		Judge: c.judge, Delete: kube.NewBatcher(cfg.NodeDeletionBatcherInterval.Std(), c.remove).Delete,
		DeleteAllOrNothing: c.remove, Finished: c.finished,
	})
	return c
}

// errNotPlanned is why the part is not ready at first.
var errNotPlanned = errors.New("waits for its first look at the cluster")

// Ready is nil once the first plan exists.
func (c *ClusterScaler) Ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.planned:
		return nil
	case c.trouble != nil:
		return fmt.Errorf("%w: %w", errNotPlanned, c.trouble)
	default:
		return errNotPlanned
	}
}

// minimalPause keeps pods that come one after another from starting a loop each.
const minimalPause = 500 * time.Millisecond

// Run loops until ctx ends. Drains under way are then left as they are, for the next process to resume.
func (c *ClusterScaler) Run(ctx context.Context) error {
	if err := c.askKinds(); err != nil {
		return err
	}
	if err := c.watchPods(ctx); err != nil {
		return err
	}
	if c.expander != nil {
		defer func() { _ = c.expander.Close() }()
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.provider.Run(ctx) })
	g.Go(func() error { return c.awaitKinds(ctx) })
	g.Go(func() error { return c.marks.Run(ctx) })
	g.Go(func() error { return c.status.writer.Run(ctx) })
	g.Go(func() error {
		defer c.drainer.Wait()
		timer := time.NewTimer(0)
		defer timer.Stop()
		var last time.Time
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-c.wake:
				timer.Reset(last.Add(minimalPause).Sub(c.deps.Now()))
			case <-timer.C:
				timer.Reset(c.loop(ctx))
				last = c.deps.Now()
			}
		}
	})
	return g.Wait()
}

// loop observes, decides and acts once. It returns how long to wait for the next. It waits for no write that a decision does
// not depend on: marks, Events and the status are written beside it.
func (c *ClusterScaler) loop(ctx context.Context) time.Duration {
	watch := newStopwatch(c.deps.Now)
	defer c.measure(watch)
	c.learn()
	seen, err := c.observe(ctx)
	watch.ends(phaseObserve)
	if err != nil {
		c.note(err)
		c.deps.Log.Error("the cluster could not be observed; nothing is changed", "error", err)
		c.metrics.failures.Inc()
		c.metrics.original.errors.WithLabelValues(errorTransient).Inc()
		return c.cfg.ScanInterval.Std()
	}
	p := c.decide(ctx, seen)
	c.note(nil)
	watch.ends(phaseDecide)
	c.resume(ctx, p, seen)
	failed := c.act(ctx, p)
	watch.ends(phaseAct)
	c.report(p, failed)
	c.markUnneeded(p, seen)
	c.writeStatus(p)
	c.tellStatus(p)
	c.metrics.original.observe(p, &c.policy, watch.began)
	watch.ends(phaseReport)
	return c.pause(p.Next, len(failed) > 0)
}

// decide plans from what was seen.
func (c *ClusterScaler) decide(ctx context.Context, seen *observation) *plan.Plan {
	c.recall(seen)
	policy := c.policyNow(ctx)
	c.look.Lock()
	defer c.look.Unlock()
	l := &c.look
	l.snapshot = c.translator.Snapshot(seen.objects, seen.groups, seen.member, func(n *corev1.Node) bool { return seen.deleting[n.Name] })
	if err := c.translator.Trouble(); err != nil {
		c.deps.Log.Error("pods with volumes or device claims are left alone", "error", err)
	}
	ask, end := c.asker(ctx, l.snapshot)
	defer end()
	policy.Ask = ask
	l.before, l.policy, l.at, l.reasons = c.memory, policy, c.deps.Now(), nil
	c.translator.Exemplify(l.snapshot, &seen.objects.Taints, l.at, c.cfg.NodeInfoCacheExpireTime.Std())
	l.plan, c.memory = c.planner.Decide(l.snapshot, l.before, policy, l.at)
	c.metrics.observeGroups(seen.groups)
	return &l.plan
}

// pause is how long to wait for the next loop.
func (c *ClusterScaler) pause(next time.Time, again bool) time.Duration {
	wait := c.cfg.ScanInterval.Std()
	if again {
		wait = minimalPause
	}
	if !next.IsZero() {
		wait = min(wait, max(next.Sub(c.deps.Now()), minimalPause))
	}
	return wait
}

// observeTimeout bounds an observation; only the first, which fills the cache, takes long.
const observeTimeout = 2 * time.Minute

// observation is what a loop reads.
type observation struct {
	objects *kube.Objects
	groups  []plan.Group
	// member has the group of each node that has one.
	member   map[string]string
	deleting map[string]bool
	// orphans are the nodes that are going without a drain of ours.
	orphans map[string]bool
}

func (c *ClusterScaler) observe(ctx context.Context) (*observation, error) {
	ctx, cancel := context.WithTimeout(ctx, observeTimeout)
	defer cancel()
	objects, err := c.observer.Observe(ctx)
	if err != nil {
		return nil, err
	}
	asked := c.deps.Now()
	groups, member, err := c.provider.Groups(ctx, objects.Nodes)
	c.metrics.original.duration.WithLabelValues(functionRefresh).Observe(c.deps.Now().Sub(asked).Seconds())
	if err != nil {
		return nil, fmt.Errorf("node groups: %w", err)
	}
	// Each write asks again; here it keeps back what could not be done, and Events that would tell of it.
	if err := c.deps.Kube.MayWrite(); err != nil {
		return nil, err
	}
	deleting, tainted := c.drainer.Look(objects.Nodes)
	orphans := make(map[string]bool, len(tainted))
	for _, node := range tainted {
		orphans[node] = true
	}
	return &observation{objects, groups, member, deleting, orphans}, nil
}

// judge says from a fresh look whether a node that is going may still go.
func (c *ClusterScaler) judge(ctx context.Context, node string) (plan.Removal, verdict.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, observeTimeout)
	defer cancel()
	observer := c.observer
	observer.Live = c.deps.drain().Live
	objects, err := observer.ObserveFresh(ctx, node)
	if err != nil {
		return plan.Removal{}, verdict.Verdict{}, err
	}
	groups, member, err := c.provider.Groups(ctx, objects.Nodes)
	if err != nil {
		return plan.Removal{}, verdict.Verdict{}, fmt.Errorf("node groups: %w", err)
	}
	deleting, _ := c.drainer.Look(objects.Nodes)
	c.judging.Lock()
	defer c.judging.Unlock()
	s := c.judging.translator.Snapshot(objects, groups, member, func(n *corev1.Node) bool { return deleting[n.Name] || n.Name == node })
	r, v := plan.StillRemovable(s, c.policy, c.deps.Now(), node)
	return r, v, nil
}
