package adapter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/verdict"
)

// part names the adapter in the journal.
const part = "adapter"

// ExternalSource brings external metrics that no rule makes.
type ExternalSource interface {
	// ExternalMetric answers for the metric if it is the source's own; false says that it is not. An error of a
	// metric that is its own ends the request; if it carries a status of Kubernetes' API, that is passed on.
	ExternalMetric(ctx context.Context, namespace, name string, selector labels.Selector) (*external_metrics.ExternalMetricValueList, bool, error)
}

// Deps are what the adapter works with. Journal may be nil; Prom may be nil where there are no rules.
type Deps struct {
	Kube     *kube.Kube
	Journal  *journal.Journal
	Log      *slog.Logger
	Registry prometheus.Registerer
	Prom     *prom.Client
	Now      func() time.Time
	// External are asked in this order, before the external rules.
	External []ExternalSource
}

// querier is what the adapter asks of Prometheus.
type querier interface {
	Query(ctx context.Context, promql string, at time.Time) (prom.Result, error)
	Series(ctx context.Context, selectors []string, start, end time.Time) ([]model.LabelSet, []string, error)
}

// Adapter is the part. It is safe for concurrent use.
type Adapter struct {
	cfg     Config
	deps    Deps
	set     *rules.Set
	prom    querier
	kinds   *kindSource
	metrics *metrics
	// flights lets identical queries share one call.
	flights singleflight.Group
	// plan is nil until the first round of discovery has ended.
	plan   atomic.Pointer[plan]
	server atomic.Pointer[api.Server]
}

// New compiles the rules. It asks nobody anything yet.
func New(cfg Config, deps Deps) (*Adapter, error) {
	set, err := cfg.loadRules()
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	a := &Adapter{cfg: cfg, deps: deps, set: set, kinds: newKindSource(deps.Kube)}
	if deps.Prom != nil {
		a.prom = deps.Prom
	} else if len(set.SeriesQueries()) > 0 {
		return nil, errors.New("adapter: there are rules, but no Prometheus to ask is configured")
	}
	a.metrics = newMetrics(deps.Registry)
	return a, nil
}

// Run serves until ctx ends, and discovers in rounds. It fails when the port cannot be opened or the API server
// does not let it ask who its clients are.
func (a *Adapter) Run(ctx context.Context) error {
	server, err := api.Listen(ctx, api.Config{
		BindAddress: a.cfg.BindAddress,
		SecurePort:  a.cfg.SecurePort,
		CertFile:    a.cfg.TLSCertFile,
		KeyFile:     a.cfg.TLSPrivateKeyFile,
		// A little longer than what a request gives itself, so that the answer that says why still gets out.
		RequestTimeout: a.cfg.RequestTimeout.Std() + 5*time.Second,
		REST:           a.deps.Kube.REST,
		Custom:         a,
		External:       a,
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("adapter: %w", err)
	}
	a.server.Store(server)
	a.deps.Log.Info("serving metrics APIs", "part", part, "address", server.Addr().String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error { a.discoverForever(ctx); return nil })
	return group.Wait()
}

// Ready is nil once the server can recognise its clients and the first round of discovery has ended, well
// or not: a Prometheus that is down must not take the other parts of the process out of service.
func (a *Adapter) Ready() error {
	server := a.server.Load()
	switch {
	case server == nil:
		return errors.New("adapter: the metrics API is not listening yet")
	case a.plan.Load() == nil:
		return errors.New("adapter: the first discovery of series is not done yet")
	default:
		if err := server.Ready(); err != nil {
			return fmt.Errorf("adapter: %w", err)
		}
		return nil
	}
}

// Addr is where the APIs are served; nil before Run listens.
func (a *Adapter) Addr() net.Addr {
	if server := a.server.Load(); server != nil {
		return server.Addr()
	}
	return nil
}

// Codes documents the verdicts of this part.
func Codes() []verdict.CodeDoc { return rules.Codes() }
