package clusterscaler

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/report"
	"github.com/trimtab/trimtab/internal/journal"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/internal/wanted"
)

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

// ClusterScaler is the part. Make it with New. Run alone uses its fields, except where they say otherwise.
type ClusterScaler struct {
	cfg      config.Config
	policy   plan.Policy
	deps     Deps
	provider Provider
	observer kube.Observer
	kinds    *kube.Kinds
	drainer  *kube.Drainer
	marks    *kube.SoftTaints
	report   *report.Reporter
	// expander answers for the expander grpc; nil without it.
	expander   *expander
	priorities priorities
	// memory is that of the next plan.
	memory plan.Memory
	// last has the last plan. Explain and Record read it at any time.
	last lastPlan
	// recheck answers the drains, which run beside the loop. So do outcomes, which take what they came to.
	recheck  rechecker
	outcomes outcomes
	// pauses are of requests to the provider that failed.
	pauses wanted.Pauses
	ready  readiness
	// wake starts a loop at once.
	wake chan struct{}
}

// New makes the part; Run starts it.
func New(cfg config.Config, deps Deps) (*ClusterScaler, error) {
	provider, err := newProvider(&cfg, deps)
	if err != nil {
		return nil, err
	}
	asked, err := newExpander(&cfg, deps.Log)
	if err != nil {
		return nil, err
	}
	c := newWith(cfg, deps, provider)
	c.expander = asked
	return c, nil
}

func newWith(cfg config.Config, deps Deps, provider Provider) *ClusterScaler {
	c := &ClusterScaler{
		cfg: cfg, policy: cfg.Policy(), deps: deps, provider: provider,
		kinds:  kube.NewKinds(deps.Kube.Mapper, deps.Log),
		report: newReporter(&cfg, &deps),
		marks: kube.NewSoftTaints(kube.SoftTaintConfig{
			MaxCount: cfg.MaxBulkSoftTaintCount, MaxTime: cfg.MaxBulkSoftTaintTime.Std(), TTL: cfg.NodeDeletionCandidateTtl.Std(), Now: deps.Now,
		}, deps.Kube.Client, deps.Log),
		pauses: wanted.Pauses{Min: actMinPause, Max: actMaxPause},
		wake:   make(chan struct{}, 1),
	}
	c.observer = kube.Observer{
		Cached: deps.Kube.Client, Live: deps.Kube.Live, Taints: cfg.NodeTaints(), MinReplicas: cfg.MinReplicaCount,
		ExpendableBelow: cfg.ExpendablePodsPriorityCutoff, Missing: c.kinds.Missing,
	}
	if deps.Kube.Cache != nil {
		c.observer.Pods, c.observer.Nodes = kube.StoredPods(deps.Kube.Cache), kube.StoredNodes(deps.Kube.Cache)
	}
	c.drainer = kube.NewDrainer(cfg.Drain(), kube.DrainDeps{
		Client: deps.drain().Client, Live: deps.drain().Live, Events: deps.Kube.Events, Log: deps.Log, Now: deps.Now,
		Recheck: c.recheckNode, Delete: kube.NewBatcher(cfg.NodeDeletionBatcherInterval.Std(), c.remove).Delete,
		DeleteAllOrNothing: c.remove, Finished: c.finished,
	})
	return c
}

// newReporter makes the one of the part.
func newReporter(cfg *config.Config, deps *Deps) *report.Reporter {
	c := report.Config{ScanInterval: cfg.ScanInterval.Std()}
	if cfg.WriteStatusConfigmap {
		c.Status = types.NamespacedName{Namespace: cfg.Namespace, Name: cfg.StatusConfigMapName}
	}
	return report.New(c, report.Deps{
		Client: deps.Kube.Client, Events: deps.Kube.Events, Journal: deps.Journal, Log: deps.Log, Registry: deps.Registry, Now: deps.Now,
	})
}

// Codes lists the codes of the part for the reference page.
func Codes() []verdict.CodeDoc { return plan.Codes() }

// Ready is nil once the first plan exists.
func (c *ClusterScaler) Ready() error { return c.ready.err() }

// minimalPause keeps pods that come one after another from starting a loop each.
const minimalPause = 500 * time.Millisecond

// Run loops until ctx ends. Drains under way are then left as they are, for the next process to resume.
func (c *ClusterScaler) Run(ctx context.Context) error {
	if err := c.kinds.Ask(); err != nil {
		return err
	}
	var err error
	if c.observer.Changes, err = kube.WatchPods(ctx, c.deps.Kube.Cache, c.signal); err != nil {
		return err
	}
	if c.expander != nil {
		defer func() { _ = c.expander.client.Close() }()
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.provider.Run(ctx) })
	g.Go(func() error { return c.kinds.Run(ctx) })
	g.Go(func() error { return c.marks.Run(ctx) })
	g.Go(func() error { return c.report.Run(ctx) })
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

// signal starts a loop at once, unless one is about to.
func (c *ClusterScaler) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// loop does these steps once, and returns how long to wait for the next loop:
//
//  1. Observe: take the outcomes of ended drains, and read the cluster's objects and the provider's groups.
//  2. Decide: make the plan. The gRPC expander is asked here.
//  3. Act: resume and begin removals, ask the provider, and mark unneeded nodes.
//  4. Report: write the journal, the metrics, Events and the status.
//
// A loop that cannot observe changes nothing. No loop waits for a write that a decision does not depend on: marks, Events
// and the status are written beside it.
func (c *ClusterScaler) loop(ctx context.Context) time.Duration {
	l := c.report.Begin()
	defer l.End()

	// 1. Observe.
	c.learn()
	seen, err := c.observe(ctx)
	l.Ends(report.Observe)
	if err != nil {
		c.ready.note(err)
		l.Blind(err)
		return c.cfg.ScanInterval.Std()
	}

	// 2. Decide.
	p := c.decide(ctx, seen)
	c.ready.note(nil)
	l.Ends(report.Decide)

	// 3. Act.
	failed := c.act(ctx, p, seen)
	l.Ends(report.Act)

	// 4. Report.
	l.Decided(report.Outcome{Plan: p, Policy: &c.policy, Groups: seen.Groups, Failed: failed, Pod: c.last.pod})
	l.Ends(report.Report)
	return c.pause(p.Next, len(failed) > 0)
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
