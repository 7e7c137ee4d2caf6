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

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/journal"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/internal/wanted"
)

// partName is the name of the part in the journal.
const partName = "clusterScaler"

// Provider is the driver of a cloud. It says what the cloud says and does what it is told: what to believe of it, and what to
// ask of it, is decided by package fleet and plan, the same for all.
type Provider interface {
	// Observe is what the cloud says of its groups. The nodes are those that stand, for clouds that say of a node which group it
	// is of. It is called by the loop alone.
	Observe(ctx context.Context, nodes []*corev1.Node) ([]fleet.Group, error)
	// SetTarget moves the target of a group. What has changed since it was observed is seen before, by the methods of Resize. It
	// returns by how many nodes the target has moved, beside an error, too. A fleet.Failure in the error says the class of a refusal.
	SetTarget(ctx context.Context, r fleet.Resize) (moved int, err error)
	// Terminate deletes instances; the target of their group shrinks by as many. What has changed since it was observed is seen
	// before, by Check. It returns those that the cloud has accepted to delete, beside an error, too, which is fleet.Refusals where
	// the cloud says of each why not. To delete again what is being deleted already is no error, where the cloud can tell: of
	// several that failed together each is tried alone.
	Terminate(ctx context.Context, t fleet.Termination) (accepted []fleet.Victim, err error)
	// Run does what the driver does beside these calls, until ctx ends.
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
	// examples are examples of groups whose nodes are gone. The next look at a node that is being removed needs them. mu guards them.
	examples kube.Examples
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
	cloud  cloudView
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
	failed := c.act(ctx, p, &seen.view)
	watch.ends(phaseAct)
	c.report(p, failed)
	c.markUnneeded(p, seen)
	c.writeStatus(p)
	c.tellStatus(p)
	c.metrics.original.observe(p, &c.policy, watch.began)
	watch.ends(phaseReport)
	return c.pause(p.Next, len(failed) > 0)
}

// decide plans from what was seen, and puts the plan's questions to the gRPC expander. While it is asked the plan without
// an answer stands.
func (c *ClusterScaler) decide(ctx context.Context, seen *observation) *plan.Plan {
	c.recall(seen)
	p := c.lookAt(seen, c.policyNow(ctx))
	if p.Question == nil || c.expander == nil {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	for p.Question != nil {
		best, answered := c.askExpander(ctx, p.Question)
		if !answered {
			break
		}
		p = c.lookAgain(p.Question, best)
	}
	return p
}

// lookAt plans from what was seen.
func (c *ClusterScaler) lookAt(seen *observation, policy plan.Policy) *plan.Plan {
	c.look.Lock()
	defer c.look.Unlock()
	l := &c.look
	seen.Now = c.deps.Now()
	l.snapshot = c.translator.Snapshot(&seen.Observation)
	if err := c.translator.Trouble(); err != nil {
		c.deps.Log.Error("pods with volumes or device claims are left alone", "error", err)
	}
	c.setExamples(c.translator.Examples())
	l.seen, l.before, l.policy, l.at = forRecord(seen.Observation), c.memory, policy, seen.Now
	c.metrics.observeGroups(seen.Groups)
	return c.planNow()
}

// lookAgain plans from the last look once more, with an answer to the question of its plan.
func (c *ClusterScaler) lookAgain(q plan.Question, best []string) *plan.Plan {
	c.look.Lock()
	defer c.look.Unlock()
	c.look.before = c.look.before.Answered(q, best)
	return c.planNow()
}

// planNow plans from the look, whose lock is held.
func (c *ClusterScaler) planNow() *plan.Plan {
	l := &c.look
	l.reasons = nil
	l.plan, c.memory = c.planner.Decide(l.snapshot, l.before, l.policy, l.at)
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
	kube.Observation
	view     fleet.View
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
	groups, err := c.provider.Observe(ctx, objects.Nodes)
	c.metrics.original.duration.WithLabelValues(functionRefresh).Observe(c.deps.Now().Sub(asked).Seconds())
	if err != nil {
		err = fmt.Errorf("node groups: %w", err)
		c.cloud.fails(err)
		return nil, err
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
	view, memory := fleet.Judge(groups, registered(objects.Nodes, deleting), c.memory.Memory, c.policy.Policy, c.deps.Now())
	c.memory.Memory = memory
	c.cloud.seen(groups, view, memory)
	return &observation{c.observed(objects, &view, deleting), view, deleting, orphans}, nil
}

// observed is what a Snapshot is made of, in the loop and for a look at a node that is going.
func (c *ClusterScaler) observed(objects *kube.Objects, view *fleet.View, deleting map[string]bool) kube.Observation {
	return kube.Observation{
		Objects: objects, Groups: plan.GroupsOf(view.Groups, view.Templates), GroupOf: view.Member, Now: c.deps.Now(), ExamplesFor: c.cfg.NodeInfoCacheExpireTime.Std(),
		Deleting: func(n *corev1.Node) bool { return deleting[n.Name] },
	}
}

func (c *ClusterScaler) setExamples(all kube.Examples) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.examples = all
}

func (c *ClusterScaler) outliving() kube.Examples {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.examples
}

// judge says from a fresh look at the cluster, and the last at the cloud, whether a node that is going may still go.
func (c *ClusterScaler) judge(ctx context.Context, node string) (plan.Removal, verdict.Verdict, error) {
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
	view, memory, err := c.cloud.now(registered(objects.Nodes, deleting), c.policy.Policy, c.deps.Now())
	if err != nil {
		return plan.Removal{}, verdict.Verdict{}, err
	}
	seen := c.observed(objects, &view, deleting)
	seen.Examples = c.outliving()
	c.judging.Lock()
	defer c.judging.Unlock()
	r, v := plan.StillRemovable(c.judging.translator.Snapshot(&seen), plan.Memory{Memory: memory}, c.policy, seen.Now, node)
	return r, v, nil
}
