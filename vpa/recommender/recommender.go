package recommender

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/recommend"
	"github.com/trimtab/trimtab/vpa/usage"
)

const (
	// observeTimeout bounds how long a round waits for caches; writeTimeout bounds one write.
	observeTimeout = 30 * time.Second
	writeTimeout   = 15 * time.Second
	// firstInterval is the time between two attempts at the first plan.
	firstInterval = 5 * time.Second
	// flushTimeout bounds the last writes. It is shorter than the time between the last renewal and the end of a Lease,
	// so that they end before another replica leads.
	flushTimeout = 4 * time.Second
)

// Deps are what the recommender uses but does not own. Journal may be nil.
type Deps struct {
	Kube     *kube.Kube
	Journal  *journal.Journal
	Log      *slog.Logger
	Registry prometheus.Registerer
	Prom     *prom.Client
	Now      func() time.Time
}

// Recommender is the service. Only the goroutine of Run uses its memory.
type Recommender struct {
	cfg         Config
	settings    *recommend.Settings
	aggregation *recommend.Aggregation
	kube        *kube.Kube
	journal     *journal.Journal
	log         *slog.Logger
	querier     usage.Querier
	now         func() time.Time
	metrics     *metrics

	writers writers

	states map[types.NamespacedName]*state
	// loaded says that the checkpoints of all namespaces were read.
	loaded    bool
	collected time.Time // when it last looked for checkpoints without a VPA
	// waiting is what the first plan waits for; nil once it exists.
	waiting atomic.Pointer[string]

	mu sync.Mutex
	// wrote has the writes since the last round.
	wrote []wrote
}

// New checks cfg and registers its metrics. It makes no requests.
func New(cfg Config, deps Deps) (*Recommender, error) {
	if err := cfg.Validate().AsError(); err != nil {
		return nil, err
	}
	if deps.Kube == nil || deps.Prom == nil {
		return nil, errors.New("a Kubernetes API server and a Prometheus server are needed")
	}
	return newRecommender(cfg, deps, deps.Prom)
}

func newRecommender(cfg Config, deps Deps, querier usage.Querier) (*Recommender, error) {
	settings, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	r := &Recommender{
		cfg: cfg, settings: settings, aggregation: cfg.aggregation(),
		kube: deps.Kube, journal: deps.Journal, log: deps.Log, querier: querier, now: deps.Now,
		metrics: newMetrics(deps.Registry),
		states:  map[types.NamespacedName]*state{},
	}
	r.writers = r.newWriters()
	r.wait("the first round")
	return r, nil
}

// Ready is nil once each VPA had its first plan. Until then it says what that waits for.
func (r *Recommender) Ready() error {
	if what := r.waiting.Load(); what != nil {
		return errors.New("waits for " + *what)
	}
	return nil
}

func (r *Recommender) wait(what string) {
	if r.loaded && r.waiting.Load() == nil {
		return // once ready, always ready: verdicts report later failures
	}
	r.waiting.Store(&what)
}

// Run does a round as soon as the cache is started, and then one in each interval, until ctx ends. At the end it writes
// the due checkpoints and returns nil. It tries more often until the first plan. No round waits for the writes of
// another.
func (r *Recommender) Run(ctx context.Context) error {
	if r.kube.Cache != nil {
		r.wait("the cache of Kubernetes objects")
		r.kube.Cache.WaitForCacheSync(ctx)
	}
	var writing errgroup.Group
	writing.Go(func() error { return r.writers.run(ctx) })
	interval := r.cfg.RecommenderInterval.Std()
	ticker := time.NewTicker(min(interval, firstInterval))
	defer ticker.Stop()
	for ready := false; ctx.Err() == nil; {
		r.round(ctx)
		if !ready && r.Ready() == nil {
			ready = true
			ticker.Reset(interval)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	_ = writing.Wait() // it ends with ctx, and has no error
	r.learn()
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	r.writers.checkpoints.Retry()
	r.wantCheckpoints(true)
	r.writers.checkpoints.Finish(flush)
	return nil
}

// round does these steps once. If something cannot be observed, it stops before anything is written.
//
//  1. Observe: the objects, what was known of them before, and their usage.
//  2. Decide: a plan for each VPA.
//  3. Act: have statuses and checkpoints written, without waiting for it.
func (r *Recommender) round(ctx context.Context) {
	began := r.now()
	r.learn()
	defer func() { r.metrics.round.Observe(r.now().Sub(began).Seconds()) }()

	// 1. Observe: the objects, the memory of them, and their usage.
	observing, cancel := context.WithTimeout(ctx, observeTimeout)
	defer cancel()
	s, err := r.observe(observing)
	if err == nil {
		err = r.remember(observing, &s)
	}
	if err != nil {
		r.hold(ctx, "the Kubernetes API", recommend.ObjectsUnavailable, err)
		return
	}
	in, said, err := r.readUsage(observing, s)
	if err != nil {
		r.hold(ctx, "Prometheus", recommend.UsageUnavailable, err)
		return
	}

	// 2. Decide.
	verdicts := append(s.skipped, said)
	if s.kindMissing {
		verdicts = append(verdicts, verdict.Because(verdict.On("vpa objects", ""), recommend.KindMissing))
	}
	plans := make([]plan, len(s.ours))
	for i, o := range s.ours {
		verdicts = append(verdicts, r.takeIn(r.states[o.key], o, in, began)...)
		plans[i] = r.plan(r.states[o.key], o, began)
		verdicts = append(verdicts, plans[i].verdicts...)
	}
	r.journal.Record("vpa", verdicts...)
	r.metrics.count(plans)

	// 3. Act, without waiting for it.
	r.wantStatuses(plans)
	r.wantCheckpoints(false)
	r.collectCheckpoints(s)
	r.waiting.Store(nil)
}

// hold ends a round that could not observe everything. It changes nothing, and reports why.
func (r *Recommender) hold(ctx context.Context, what string, code verdict.Code, err error) {
	if ctx.Err() != nil {
		return // the process is ending
	}
	r.wait(what + ": " + err.Error())
	r.metrics.held.WithLabelValues(string(code)).Inc()
	r.journal.Record("vpa", verdict.Because(verdict.On("vpa round", ""), code, verdict.Text("error", err.Error())))
}

// readUsage reads CPU and memory; it needs both. It makes no request if there are no pods. The verdict describes the
// data of the round.
func (r *Recommender) readUsage(ctx context.Context, s snapshot) (readings, verdict.Verdict, error) {
	pods := 0
	for _, o := range s.ours {
		pods += len(o.pods)
	}
	said := verdict.Because(verdict.On("vpa round", ""), recommend.RoundDone, verdict.Number("vpas", len(s.ours)), verdict.Number("pods", pods))
	if pods == 0 {
		return readings{}, said, nil
	}
	now := r.now()
	cpu, err := usage.Read(ctx, r.querier, r.cfg.CPUQuery, now)
	if err != nil {
		return readings{}, said, err
	}
	memory, err := usage.Read(ctx, r.querier, r.cfg.MemoryQuery, now)
	if err != nil {
		return readings{}, said, err
	}
	r.metrics.dropped.Add(float64(cpu.Dropped + memory.Dropped))
	said.Facts = append(said.Facts,
		verdict.Number("cpu readings", len(cpu.ByContainer)), verdict.Number("memory readings", len(memory.ByContainer)),
		verdict.Number("dropped", cpu.Dropped+memory.Dropped))
	if warnings := append(cpu.Warnings, memory.Warnings...); len(warnings) > 0 {
		said.Code = recommend.UsageIncomplete
		said.Facts = append(said.Facts, verdict.Text("warning", warnings[0]))
	}
	return readings{cpu: cpu.ByContainer, memory: memory.ByContainer}, said, nil
}
