package scalers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/scalers/poll"
	promsource "github.com/trimtab/trimtab/scalers/source/prometheus"
	redissource "github.com/trimtab/trimtab/scalers/source/redis"
	"github.com/trimtab/trimtab/scalers/spec"
)

// part is the name under which verdicts are recorded.
const part = "scalers"

// Deps are what the part works with.
type Deps struct {
	// Kube is that of the loop, which writes, and Answers that of what every replica reads for its answers.
	Kube     *kube.Kube
	Answers  *kube.Kube
	Journal  *journal.Journal
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time
}

// Scalers is the part, and its service that runs on the leader; Answers is the other. ExternalMetric and Ready are safe
// for concurrent use, on every replica.
type Scalers struct {
	cfg      Config
	kube     *kube.Kube
	journal  *journal.Journal
	log      *slog.Logger
	now      func() time.Time
	metrics  *metrics
	triggers *catalog
	patients patients

	connecting sync.Mutex
	// objects are the ScaledObjects; nil until connect has found that the API server has them.
	objects atomic.Pointer[cache.Informer]
	// connected is closed with that.
	connected chan struct{}
	// ready is nil once the part has been ready; else what it waits for. It never goes back: a replica
	// that becomes the leader goes on answering.
	waitsFor atomic.Pointer[string]
	leading  atomic.Bool
	// term is nil where this replica does not lead.
	term atomic.Pointer[loop]
}

// New makes the part. Where the API server does not have the kinds that it works with, this part alone is off
// until they come; that is said once, in the log.
func New(cfg Config, deps Deps) (*Scalers, error) {
	s := &Scalers{cfg: cfg, kube: deps.Kube, journal: deps.Journal, log: deps.Log, now: deps.Now, connected: make(chan struct{})}
	m, err := newMetrics(deps.Registry, s.load)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s.metrics = m
	s.triggers = newCatalog(catalogConfig{
		sources: sources(cfg, deps.Log),
		auth:    authReader{cached: deps.Answers.Client, live: deps.Answers.Live},
		refresh: cfg.AuthRefreshInterval.Std(),
		timeout: cfg.MaxTriggerTimeout.Std(),
		bytes:   cfg.MaxTriggerBytes,
		slots:   poll.NewSlots(cfg.MaxReadings),
		now:     deps.Now,
		metrics: m,
	})
	err = s.connect()
	if errors.Is(err, errKindsMissing) {
		s.log.Warn("scalers do nothing yet", "error", err)
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.waits("the first list of ScaledObjects")
	return s, nil
}

// sources are the trigger types that are read here; cpu and memory are the HPA's own.
func sources(cfg Config, log *slog.Logger) sourceMap {
	timeout, policy := cfg.HTTPDefaultTimeout.Std(), cfg.Sources.policy()
	return sourceMap{
		"prometheus": promsource.New(promsource.Config{
			Timeout: timeout, MaxResponseBytes: cfg.Sources.MaxResponseBytes, MaxConcurrent: cfg.MaxReadings, Policy: policy, Log: log,
		}),
		"redis": redissource.New(redissource.Config{Timeout: timeout, Policy: policy, Log: log}),
	}
}

// Ready is nil once this replica can answer: the ScaledObjects are known and, where it leads, each of
// them was decided on once, or had a minute for it.
func (s *Scalers) Ready() error {
	if what := s.waitsFor.Load(); what != nil {
		if s.leading.Load() || !(*s.objects.Load()).HasSynced() {
			return errors.New("waits for " + *what)
		}
		s.waitsFor.Store(nil)
	}
	return nil
}

func (s *Scalers) waits(what string) { s.waitsFor.Store(&what) }

// Run polls, scales and reports until ctx ends, once Answers has found the kinds. It is run by the leader alone.
func (s *Scalers) Run(ctx context.Context) error {
	select {
	case <-s.connected:
	case <-ctx.Done():
		return nil
	}
	s.leading.Store(true)
	defer s.leading.Store(false)
	return newLoop(ctx, s).run(ctx)
}

// defaults are what a ScaledObject gets that names no value.
func (s *Scalers) defaults() spec.Defaults {
	return s.cfg.defaults()
}

// deleted is the object of a delete notification, also of one that came late.
func deleted[T any](obj any) (T, bool) {
	if late, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = late.Obj
	}
	t, ok := obj.(T)
	return t, ok
}
