package kube

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/trimtab/trimtab/internal/config"
)

// Config says how to reach the API server.
type Config struct {
	// Kubeconfig is a path; empty is the pod's own service account, or $KUBECONFIG.
	// Mirrors --kubeconfig of all the programs that trimtab replaces.
	Kubeconfig string `yaml:"kubeconfig"`
	// QPS and Burst limit the requests of the whole process (default 50 and 100; reads come from
	// watches and do not count). Only the Lease is renewed beside that limit, so that a busy process
	// does not lose it. Mirror --kube-client-qps and --kube-client-burst.
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
	if !(c.QPS > 0) {
		ps.Add("kubeClientQps", "%v is not above zero", c.QPS)
	}
	if c.Burst <= 0 {
		ps.Add("kubeClientBurst", "%d is not above zero", c.Burst)
	}
	if c.Timeout <= 0 {
		ps.Add("timeout", "%v is not above zero", c.Timeout.Std())
	}
	return ps
}

// Kube is what the parts share. All of it is safe for concurrent use.
type Kube struct {
	// Client reads from the cache, and so sees its own writes only after the watch has brought them;
	// it writes straight to the API server.
	Client client.Client
	// Live reads straight from the API server, at the price of a request.
	Live  client.Reader
	Cache cache.Cache
	// Events writes Events as cluster-autoscaler and KEDA do. Equal ones are counted up; of those about one object for one
	// reason that differ, the eleventh in ten minutes and those after it share one Event, which has the newest message.
	Events events.EventRecorder
	REST   *rest.Config
	Mapper meta.RESTMapper
	Scale  scale.ScalesGetter

	leases   kubernetes.Interface
	events   *eventWriter
	log      *slog.Logger
	standsBy atomic.Bool
}

// New connects; it fails when the API server cannot be reached.
func New(cfg Config, log *slog.Logger) (*Kube, error) {
	restConfig, err := load(cfg)
	if err != nil {
		return nil, err
	}
	httpClient, err := rest.HTTPClientFor(restConfig)
	if err != nil {
		return nil, fmt.Errorf("kubernetes client: %w", err)
	}
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(restConfig, httpClient)
	if err != nil {
		return nil, fmt.Errorf("kubernetes client: %w", err)
	}
	k := &Kube{REST: restConfig, Mapper: mapper, log: log}
	if err := k.connect(scheme, httpClient); err != nil {
		return nil, fmt.Errorf("kubernetes API: %w", err)
	}
	return k, nil
}

func (k *Kube) connect(scheme *runtime.Scheme, httpClient *http.Client) (err error) {
	k.Cache, err = cache.New(k.REST, cache.Options{
		// Watches must not end with the time-out of requests.
		HTTPClient:       watchClient(httpClient),
		Scheme:           scheme,
		Mapper:           k.Mapper,
		DefaultTransform: strip,
	})
	if err != nil {
		return err
	}
	k.Client, err = client.New(k.REST, client.Options{
		HTTPClient: httpClient, Scheme: scheme, Mapper: k.Mapper,
		Cache: &client.CacheOptions{Reader: k.Cache},
	})
	if err != nil {
		return err
	}
	k.Live, err = client.New(k.REST, client.Options{HTTPClient: httpClient, Scheme: scheme, Mapper: k.Mapper})
	if err != nil {
		return err
	}
	clientset, err := kubernetes.NewForConfigAndClient(k.REST, httpClient)
	if err != nil {
		return err
	}
	if k.Scale, err = newScales(k.REST, httpClient, clientset.Discovery(), time.Now); err != nil {
		return err
	}
	k.events = newEventWriter(clientset.CoreV1())
	unlimited := rest.CopyConfig(k.REST)
	unlimited.RateLimiter = nil
	if k.leases, err = kubernetes.NewForConfigAndClient(unlimited, httpClient); err != nil {
		return err
	}
	k.Events = k.events.recorder(scheme)
	return nil
}

// watchClient is c without its overall time-out.
func watchClient(c *http.Client) *http.Client {
	open := *c
	open.Timeout = 0
	return &open
}

// load finds the API server. Its errors are one line that names the files.
func load(cfg Config) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules() // honours $KUBECONFIG
	rules.ExplicitPath, rules.Warner = cfg.Kubeconfig, func(error) {}
	restConfig, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	files := strings.Join(rules.GetLoadingPrecedence(), ", ")
	if clientcmd.IsEmptyConfig(err) {
		return nil, fmt.Errorf("no Kubernetes API server is configured in %s: set kubernetes.kubeconfig or $KUBECONFIG to a kubeconfig, or run in a cluster", files)
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %s; mend the file, or name another in kubernetes.kubeconfig or $KUBECONFIG",
			files, strings.Join(strings.Fields(err.Error()), " "))
	}
	// One limit for all clients that are made of this; without it each would have its own.
	restConfig.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(float32(cfg.QPS), cfg.Burst)
	restConfig.QPS, restConfig.Burst, restConfig.Timeout = float32(cfg.QPS), cfg.Burst, cfg.Timeout.Std()
	restConfig.UserAgent = "trimtab"
	return restConfig, nil
}

// Run keeps the cache current and sends Events until ctx ends.
func (k *Kube) Run(ctx context.Context) error {
	k.events.start()
	defer k.events.Shutdown()
	return k.Cache.Start(ctx)
}
