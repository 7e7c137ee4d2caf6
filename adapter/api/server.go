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
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/rest"
	certutil "k8s.io/client-go/util/cert"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"

	"github.com/trimtab/trimtab/internal/serve"
)

const (
	name = "trimtab"
	// connections bounds the port's. An API server keeps a few open; who holds many loses his own.
	connections = 512
)

// Config says where to serve what.
type Config struct {
	BindAddress string
	// SecurePort 0 takes any free port; see Server.Addr.
	SecurePort int
	// CertFile and KeyFile are PEM files, read again when they change. Without them the server signs a
	// certificate for itself that is gone with the process.
	CertFile, KeyFile string
	// RequestTimeout bounds each request; those in flight at the end have that long to finish.
	RequestTimeout time.Duration
	// AuthorizedTTL is how long a permission is believed, which is how long one that was taken away still
	// counts; 0 is a minute. A refusal is believed for ten seconds.
	AuthorizedTTL time.Duration
	// DisableHTTP2 leaves HTTP/1.1 only.
	DisableHTTP2 bool
	// TLSMinVersion and TLSCipherSuites are as the flags --tls-min-version and --tls-cipher-suites of
	// Kubernetes' programs; empty is TLS 1.2 and Go's choice of suites.
	TLSMinVersion   string
	TLSCipherSuites []string
	// Wrap, if it is not nil, puts a handler around all others.
	Wrap func(http.Handler) http.Handler
	// REST reaches the API server that authenticates and authorises.
	REST *rest.Config
	// CustomMetrics, ExternalMetrics and ResourceMetrics answer; an API that is nil is not served.
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

// Listen opens the port and makes all ready to serve; requests are answered by Run.
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

// Ready is nil once requests through the API server's aggregation can be authenticated.
func (s *Server) Ready() error { return s.auth.ready() }

// Run serves until ctx ends and the requests in flight are answered. It can be called once.
func (s *Server) Run(ctx context.Context) error {
	return s.generic.PrepareRun().RunWithContext(ctx)
}

func (s *Server) build(cfg Config) (*genericapiserver.GenericAPIServer, error) {
	a := apis{cfg.CustomMetrics, cfg.ExternalMetrics, cfg.ResourceMetrics}
	configure := func(c *genericapiserver.Config) error {
		if err := s.secure(c, cfg); err != nil {
			return err
		}
		if err := s.auth.authenticate(c); err != nil {
			return err
		}
		return s.auth.authorize(c, cfg.AuthorizedTTL)
	}
	server, err := a.newGeneric(cfg.RequestTimeout, configure, func(handlers http.Handler, c *genericapiserver.Config) http.Handler {
		f := a.newFast(genericapiserver.DefaultBuildHandlerChain(withoutRetryAfter(checkMetricSelector(withOwnRequestInfo(handlers))), c), c)
		f.authenticator, f.authorizer = c.Authentication.Authenticator, c.Authorization.Authorizer
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

// secure sets how the port speaks TLS.
func (s *Server) secure(c *genericapiserver.Config, cfg Config) error {
	certificate, err := servingCertificate(cfg)
	if err != nil {
		return err
	}
	minimum, err := tlsVersion(cfg.TLSMinVersion)
	if err != nil {
		return err
	}
	suites, err := tlsCipherSuites(cfg.TLSCipherSuites, !cfg.DisableHTTP2)
	if err != nil {
		return err
	}
	c.SecureServing = &genericapiserver.SecureServingInfo{
		Listener: s.listener, Cert: certificate, DisableHTTP2: cfg.DisableHTTP2, MinTLSVersion: minimum, CipherSuites: suites,
	}
	return nil
}

func servingCertificate(cfg Config) (dynamiccertificates.CertKeyContentProvider, error) {
	if cfg.CertFile != "" {
		return dynamiccertificates.NewDynamicServingContentFromFiles("serving-cert", cfg.CertFile, cfg.KeyFile)
	}
	cert, key, err := certutil.GenerateSelfSignedCertKey(name, nil, []string{"localhost"})
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return dynamiccertificates.NewStaticCertKeyContent("self-signed", cert, key)
}

// checkMetricSelector answers 400 to a selector that cannot be parsed, which the storage behind it would
// take for its own failure.
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

// withOwnRequestInfo gives next a RequestInfo that it may change. The library rewrites that of a metric of a namespace,
// while the filter of time-outs may read it.
func withOwnRequestInfo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if info, ok := request.RequestInfoFrom(r.Context()); ok {
			own := *info
			r = r.WithContext(request.WithRequestInfo(r.Context(), &own))
		}
		next.ServeHTTP(w, r)
	})
}
