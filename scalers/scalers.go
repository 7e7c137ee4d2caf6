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
	"github.com/trimtab/trimtab/scalers/spec"
)

// part is the name under which verdicts are recorded.
const part = "scalers"

// Deps are what the part works with.
type Deps struct {
	// Kube is the client of the loop, which writes. Answers is the client of the answers on every replica.
	Kube     *kube.Kube
	Answers  *kube.Kube
	Journal  *journal.Journal
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time
}

// Scalers is the part, and its service that runs on the leader. Answers is its other service. ExternalMetric and Ready
// are safe for concurrent use, on every replica.
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
	// objects are the ScaledObjects; nil until connect has found the kinds on the API server.
	objects atomic.Pointer[cache.Informer]
	// connected is closed at the same time.
	connected chan struct{}
	// waitsFor is nil once the part has been ready; until then it says what the part waits for. It never goes back: a
	// replica that becomes the leader continues to answer.
	waitsFor atomic.Pointer[string]
	leading  atomic.Bool
	// term is nil where this replica does not lead.
	term atomic.Pointer[loop]
}

// New makes the part. If the API server does not serve the kinds of this part, only this part is inactive until it
// serves them. The log says so once.
func New(cfg Config, deps Deps) (*Scalers, error) {
	s := &Scalers{cfg: cfg, kube: deps.Kube, journal: deps.Journal, log: deps.Log, now: deps.Now, connected: make(chan struct{})}
	m, err := newMetrics(deps.Registry, s.load)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s.metrics = m
	s.triggers = newCatalog(catalogConfig{
		sources: sources(environment(cfg, deps.Log)),
		auth:    authReader{cached: deps.Answers.Client, live: deps.Answers.Live},
		refresh: cfg.AuthRefreshInterval.Std(),
		timeout: cfg.MaxTriggerTimeout.Std(),
		bytes:   cfg.MaxTriggerBytes,
		slots:   poll.NewSlots(cfg.MaxReadings),
		now:     deps.Now,
		metrics: m,
		closed:  m.triggers.closed,
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

// Ready is nil once this replica can answer: the ScaledObjects are known. On the leader, each of them must also have
// its first decision, or a minute must have passed.
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

// Run polls, scales and reports until ctx ends. It starts once Answers has found the kinds. Only the leader runs it.
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

// defaults are the values for fields that a ScaledObject does not set.
func (s *Scalers) defaults() spec.Defaults {
	return s.cfg.defaults()
}

// deleted is the object of a delete event, also of a late one.
func deleted[T any](obj any) (T, bool) {
	if late, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = late.Obj
	}
	t, ok := obj.(T)
	return t, ok
}
