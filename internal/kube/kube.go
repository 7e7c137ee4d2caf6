package kube

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/trimtab/trimtab/internal/config"
)

// Config says how to reach the API server.
type Config struct {
	// Kubeconfig is a path. Empty means the pod's own service account, or $KUBECONFIG. Mirrors --kubeconfig of all
	// replaced programs.
	Kubeconfig string `yaml:"kubeconfig"`
	// Context is the context of the kubeconfig, as kubectl's --context; empty is the current one. Only the command line
	// sets it.
	Context string `yaml:"-"`
	// QPS and Burst limit the requests of each part, as the flags of each replaced program did (default 50 and 100).
	// Reads come from watches and do not count. The drain of nodes and the cloud of the provider kwok have their own
	// limit, so that other requests of the cluster scaler do not delay them. So have watches, the Lease and the Events
	// of each part. Reviews of the metrics API's clients have 200 and 400. Mirror --kube-client-qps and
	// --kube-client-burst.
	QPS   float64 `yaml:"kubeClientQps"`
	Burst int     `yaml:"kubeClientBurst"`
	// Timeout bounds each request that is not a watch. Default 30s.
	Timeout config.Duration `yaml:"timeout"`
}

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	c.QPS, c.Burst, c.Timeout = 50, 100, config.Duration(30*time.Second)
}

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems {
	var ps config.Problems
	config.Between(&ps, "kubeClientQps", c.QPS, 0.001, 1e6) // client-go has a float32, and takes 0 as 5
	config.Between(&ps, "kubeClientBurst", c.Burst, 1, 1_000_000)
	if c.Timeout <= 0 {
		ps.Add("timeout", "%v is not above zero", c.Timeout.Std())
	}
	return ps
}

// Kube is a part's access to the API server. All parts share the cache, the kinds and the connections. Each part has
// its own budget of requests, and its own queue of Events with a budget; see For. All of it is safe for concurrent use.
type Kube struct {
	// Client reads from the cache, so it sees its own writes only after the watch has brought them. It writes directly
	// to the API server.
	Client client.Client
	// Live reads directly from the API server; each read is a request.
	Live  client.Reader
	Cache cache.Cache
	// Events writes Events as cluster-autoscaler and KEDA do. Equal Events are counted together. Of different Events
	// about one object with one reason, the eleventh in ten minutes and the later ones share one Event, which has the
	// newest message.
	Events events.EventRecorder
	// REST is for further clients. A client that keeps its rate limiter shares the budget.
	REST   *rest.Config
	Mapper meta.RESTMapper
	Scale  scale.ScalesGetter

	shared *shared
	// gate is nil for a part that runs on all replicas.
	gate *term
}

// shared is what the Kubes of all parts share.
type shared struct {
	base    *rest.Config // without a limit
	cfg     Config
	scheme  *runtime.Scheme
	metrics *metrics
	leases  kubernetes.Interface
	// events are the Event writers of all parts. They are made before Run.
	events []*eventWriter
	log    *slog.Logger
	term   *term
	// standsBy says that another replica has the Lease.
	standsBy atomic.Bool
}

// The names in metrics for requests that belong to no part.
const (
	partShared = "shared" // watches, and discovery of kinds
	partEvents = "events"
	partLease  = "lease"
)

// New makes the clients. It makes no requests.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Kube, error) {
	base, _, err := Load(cfg)
	if err != nil {
		return nil, err
	}
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}
	k := &Kube{shared: &shared{base: base, cfg: cfg, scheme: scheme, metrics: newMetrics(reg), log: log, term: newTerm(time.Now)}}
	if err := k.connect(); err != nil {
		return nil, fmt.Errorf("kubernetes client: %w", err)
	}
	return k, nil
}

func (k *Kube) connect() error {
	restConfig := k.shared.restFor(partShared, nil)
	httpClient, err := rest.HTTPClientFor(restConfig)
	if err != nil {
		return err
	}
	if k.Mapper, err = apiutil.NewDynamicRESTMapper(restConfig, httpClient); err != nil {
		return err
	}
	k.Cache, err = cache.New(restConfig, cache.Options{
		// The time-out of requests must not end watches.
		HTTPClient:       watchClient(httpClient),
		Scheme:           k.shared.scheme,
		Mapper:           k.Mapper,
		DefaultTransform: newStripper().strip,
	})
	if err != nil {
		return err
	}
	if k.shared.leases, err = kubernetes.NewForConfig(k.shared.restFor(partLease, nil)); err != nil {
		return err
	}
	return k.useOwn(restConfig, httpClient)
}

// useOwn makes the clients with their own configuration.
func (k *Kube) useOwn(restConfig *rest.Config, httpClient *http.Client) (err error) {
	k.REST = restConfig
	told, err := kubernetes.NewForConfig(k.shared.restFor(partEvents, nil))
	if err != nil {
		return err
	}
	k.Events = k.shared.recorder(told.CoreV1())
	k.Client, err = client.New(restConfig, client.Options{
		HTTPClient: httpClient, Scheme: k.shared.scheme, Mapper: k.Mapper,
		Cache: &client.CacheOptions{Reader: k.Cache},
	})
	if err != nil {
		return err
	}
	k.Live, err = client.New(restConfig, client.Options{HTTPClient: httpClient, Scheme: k.shared.scheme, Mapper: k.Mapper})
	if err != nil {
		return err
	}
	found, err := discovery.NewDiscoveryClientForConfigAndClient(restConfig, httpClient)
	if err != nil {
		return err
	}
	k.Scale, err = newScales(restConfig, httpClient, found, time.Now)
	return err
}

// Await waits until the API server answers, for at most the time-out of a request. All parts need the API server, so
// they share this rule. An answer without permission counts as an answer.
func (k *Kube) Await(ctx context.Context) error {
	found, err := discovery.NewDiscoveryClientForConfig(k.REST)
	if err != nil {
		return fmt.Errorf("kubernetes client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, k.shared.cfg.Timeout.Std())
	defer cancel()
	for told := false; ; told = true {
		err := found.RESTClient().Get().AbsPath("/version").Do(ctx).Error()
		if err == nil || apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
			return nil
		}
		if !told {
			k.shared.log.Warn("the API server does not answer yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server does not answer: %w", err)
		case <-time.After(awaitPause):
		}
	}
}

// awaitPause is the time between two attempts.
const awaitPause = time.Second

// watchClient is c without its overall time-out.
func watchClient(c *http.Client) *http.Client {
	open := *c
	open.Timeout = 0
	return &open
}

// Run keeps the cache current and sends Events until ctx ends, then it sends the queued Events. Call it after all parts
// are made.
func (k *Kube) Run(ctx context.Context) error {
	k.shared.startEvents()
	defer k.shared.endEvents()
	return k.Cache.Start(ctx)
}
