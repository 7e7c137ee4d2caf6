package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"

	"github.com/trimtab/trimtab/internal/serve"
)

const (
	name = "trimtab"
	// connections bounds the open connections of the port. An API server keeps a few open. A client with many
	// connections loses its own.
	connections = 512
)

// Config says where to serve what.
type Config struct {
	BindAddress string
	// SecurePort 0 takes any free port; see Server.Addr.
	SecurePort int
	TLS        serve.TLS
	// RequestTimeout bounds each request. At the end, requests in flight have that long to finish.
	RequestTimeout time.Duration
	// AuthorizedTTL is how long a permission is cached. A revoked permission counts that long at most; 0 is a minute. A
	// refusal is cached for ten seconds.
	AuthorizedTTL time.Duration
	// Wrap, if it is not nil, puts a handler around all others.
	Wrap func(http.Handler) http.Handler
	// REST reaches the API server that authenticates and authorises.
	REST *rest.Config
	// CustomMetrics, ExternalMetrics and ResourceMetrics answer the APIs. An API that is nil is not served.
	CustomMetrics   CustomAPI
	ExternalMetrics ExternalAPI
	ResourceMetrics ResourceAPI
}

// Server is a server whose port is open.
type Server struct {
	listener net.Listener
	auth     *delegate
	generic  *genericapiserver.GenericAPIServer
}

// Listen opens the port and prepares the server. Run answers the requests.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	auth, err := newDelegate(ctx, cfg.REST)
	if err != nil {
		return nil, fmt.Errorf("metrics API: %w", err)
	}
	address := net.JoinHostPort(cfg.BindAddress, strconv.Itoa(cfg.SecurePort))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics API: %w", err)
	}
	s := &Server{listener: serve.Limit(listener, connections), auth: auth}
	if s.generic, err = s.build(cfg); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("metrics API: %w", err)
	}
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Ready is nil once requests from the API server's aggregation layer can be authenticated.
func (s *Server) Ready() error { return s.auth.ready() }

// Run serves until ctx ends and the requests in flight are answered. It can be called once.
func (s *Server) Run(ctx context.Context) error {
	return s.generic.PrepareRun().RunWithContext(ctx)
}

func (s *Server) build(cfg Config) (*genericapiserver.GenericAPIServer, error) {
	a := apis{cfg.CustomMetrics, cfg.ExternalMetrics, cfg.ResourceMetrics}
	configure := func(c *genericapiserver.Config) error {
		var err error
		if c.SecureServing, err = cfg.TLS.On(s.listener); err != nil {
			return err
		}
		if err := s.auth.authenticate(c); err != nil {
			return err
		}
		return s.auth.authorize(c, cfg.AuthorizedTTL)
	}
	server, err := a.newGeneric(cfg.RequestTimeout, configure, func(handlers http.Handler, c *genericapiserver.Config) http.Handler {
		f := a.newFast(genericapiserver.DefaultBuildHandlerChain(withoutRetryAfter(checkMetricSelector(withOwnRequestInfo(handlers))), c), c)
		f.authenticator = newFrontProxy(c.Authentication.RequestHeaderConfig, c.Authentication.Authenticator, time.Now)
		f.authorizer = c.Authorization.Authorizer
		if cfg.Wrap != nil {
			return cfg.Wrap(f)
		}
		return f
	})
	if err != nil {
		return nil, err
	}
	server.ShutdownTimeout = cfg.RequestTimeout
	return server, nil
}

// checkMetricSelector answers 400 to a selector that cannot be parsed. The library's storage would answer 500.
func checkMetricSelector(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, text := range r.URL.Query()["metricLabelSelector"] {
			if _, err := labels.Parse(text); err != nil {
				refusal := BadRequest("metricLabelSelector %q: %v", text, err)
				responsewriters.ErrorNegotiated(refusal, apiserver.Codecs, schema.GroupVersion{Version: "v1"}, w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// withOwnRequestInfo gives next its own RequestInfo. The library rewrites the RequestInfo of a namespace's metric,
// while the time-out filter may still read it.
func withOwnRequestInfo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if info, ok := request.RequestInfoFrom(r.Context()); ok {
			own := *info
			r = r.WithContext(request.WithRequestInfo(r.Context(), &own))
		}
		next.ServeHTTP(w, r)
	})
}
