package adapter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/delegate"
	"github.com/trimtab/trimtab/adapter/merge"
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
	// ExternalMetric answers for the metric if this source owns it. It returns false if it does not. An error of an
	// owned metric ends the request. If the error carries a Kubernetes API status, the client gets that status.
	ExternalMetric(ctx context.Context, namespace, name string, selector labels.Selector) (*external_metrics.ExternalMetricValueList, bool, error)
}

// Deps are what the adapter works with. Journal may be nil; Prom may be nil where no rule asks it.
type Deps struct {
	Kube     *kube.Kube
	Journal  *journal.Journal
	Log      *slog.Logger
	Registry prometheus.Registerer
	// Prom is the server that rules without a source ask.
	Prom *prom.Client
	Now  func() time.Time
	// External are asked in this order, before the external rules.
	External []ExternalSource
	// Cluster and Servers replace Kube and the Prometheus servers of the configuration, where they are not nil. Run
	// does not serve an adapter with such a cluster.
	Cluster Cluster
	Servers map[string]Server
}

// Adapter is the part. It is safe for concurrent use.
type Adapter struct {
	deps    Deps
	cluster Cluster
	kinds   kindSource
	metrics *metrics
	// flights lets identical queries share one call to Prometheus.
	flights singleflight.Group
	// setup is the configuration for the next plan. reloaded signals that it changed.
	setup    atomic.Pointer[setup]
	reloaded chan struct{}
	// round is held during a round of discovery. swap is held while a new plan replaces the old one.
	round, swap sync.Mutex
	// plan is nil until the first round of discovery has ended.
	plan atomic.Pointer[plan]
	// planned is closed once there is a plan. warmed is true once the queries in demand were asked.
	planned chan struct{}
	warmed  atomic.Bool
	server  atomic.Pointer[api.Server]
}

// New compiles the rules. It makes no requests.
func New(cfg Config, deps Deps) (*Adapter, error) {
	s, err := prepare(cfg, deps)
	if err != nil {
		return nil, err
	}
	a := &Adapter{deps: deps, cluster: deps.Cluster, reloaded: make(chan struct{}, 1), planned: make(chan struct{})}
	if a.cluster == nil {
		a.cluster = &watched{kube: deps.Kube}
	}
	a.kinds.cluster = a.cluster
	a.setup.Store(s)
	a.metrics = newMetrics(deps.Registry)
	return a, nil
}

// Reload takes a new configuration. Its rules apply at once. Only metrics of series that no rule looked for before have
// to wait for the round of discovery that begins now. An error says what is wrong, or which setting needs a restart;
// then nothing has changed.
func (a *Adapter) Reload(cfg Config, main *prom.Client) error {
	deps := a.deps
	deps.Prom = main
	if fixed := a.setup.Load().cfg.needsRestart(cfg); fixed != "" {
		return fmt.Errorf("%s cannot change without a restart", fixed)
	}
	next, err := prepare(cfg, deps)
	if err != nil {
		return err
	}
	a.swap.Lock()
	defer a.swap.Unlock()
	defer a.setup.Swap(next).retire()
	if old := a.plan.Load(); old != nil {
		a.plan.Store(a.nextPlan(next, old.kinds, nil, nil))
	}
	select {
	case a.reloaded <- struct{}{}:
	default: // a round is due anyway
	}
	return nil
}

// Run serves until ctx ends, discovers metrics in rounds, and asks queries ahead of requests. It fails when the port
// cannot be opened, or when the API server does not let it authenticate its clients.
func (a *Adapter) Run(ctx context.Context) error {
	cfg := a.setup.Load().cfg
	server, err := api.Listen(ctx, api.Config{
		BindAddress: cfg.BindAddress,
		SecurePort:  cfg.SecurePort,
		TLS:         cfg.tls(),
		// A little longer than the time-out of a request, so that the answer that explains a time-out is still sent.
		RequestTimeout:  cfg.RequestTimeout.Std() + 5*time.Second,
		AuthorizedTTL:   cfg.AuthorizationWebhookCacheAuthorizedTTL.Std(),
		Wrap:            a.refuseCircles,
		REST:            a.deps.Kube.REST,
		CustomMetrics:   a,
		ExternalMetrics: a,
		ResourceMetrics: a.resourceAPI(),
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	a.server.Store(server)
	a.deps.Log.Info("serving metrics APIs", "address", server.Addr().String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error { a.discoverForever(ctx); return nil })
	group.Go(func() error { a.askAhead(ctx); return nil })
	return group.Wait()
}

// refuseCircles refuses requests that another trimtab passed on, while this one has delegates.
func (a *Adapter) refuseCircles(next http.Handler) http.Handler {
	refusing := delegate.Refuse(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(a.setup.Load().delegates) > 0 {
			refusing.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Ready is nil once clients can be authenticated, the first round of discovery has ended, and each query in demand was
// asked once. Whether these succeeded does not matter: a Prometheus that is down must not take the other parts of the
// process out of service.
func (a *Adapter) Ready() error {
	server := a.server.Load()
	switch {
	case server == nil:
		return errors.New("the metrics API is not listening yet")
	case a.plan.Load() == nil:
		return errors.New("the first discovery of series is not done yet")
	case !a.warmed.Load():
		return errors.New("the metrics that HPAs name are not asked for yet")
	default:
		return server.Ready()
	}
}

// Addr is where the APIs are served; nil before Run listens.
func (a *Adapter) Addr() net.Addr {
	if server := a.server.Load(); server != nil {
		return server.Addr()
	}
	return nil
}

func (a *Adapter) requestTimeout() time.Duration { return a.setup.Load().cfg.RequestTimeout.Std() }

// Codes documents the verdicts of this part.
func Codes() []verdict.CodeDoc { return slices.Concat(rules.Codes(), merge.Codes()) }
