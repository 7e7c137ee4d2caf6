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
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/rest"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/kube-openapi/pkg/common"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	generatedcore "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/core"
	generatedcustom "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/custommetrics"
	generatedexternal "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/externalmetrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

const name = "trimtab"

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
	// REST reaches the API server that authenticates and authorises.
	REST     *rest.Config
	Custom   provider.CustomMetricsProvider
	External provider.ExternalMetricsProvider
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
	s := &Server{listener: listener, auth: auth}
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
	certificate, err := servingCertificate(cfg)
	if err != nil {
		return nil, err
	}
	c := genericapiserver.NewConfig(apiserver.Codecs)
	c.SecureServing = &genericapiserver.SecureServingInfo{Listener: s.listener, Cert: certificate}
	// The server never calls itself.
	c.LoopbackClientConfig = &rest.Config{}
	c.RequestTimeout = cfg.RequestTimeout
	// Metrics and profiles are the process's, on its own port.
	c.EnableMetrics, c.EnableProfiling, c.EnableIndex = false, false, false
	c.BuildHandlerChainFunc = func(h http.Handler, c *genericapiserver.Config) http.Handler {
		return genericapiserver.DefaultBuildHandlerChain(withoutRetryAfter(checkMetricSelector(h)), c)
	}
	namer := openapi.NewDefinitionNamer(apiserver.Scheme)
	c.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, namer)
	c.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, namer)
	c.OpenAPIConfig.Info.Title, c.OpenAPIV3Config.Info.Title = name, name
	if err := s.auth.authenticate(c); err != nil {
		return nil, err
	}
	if err := s.auth.authorize(c); err != nil {
		return nil, err
	}
	server, err := (&apiserver.Config{GenericConfig: c}).Complete(nil).New(name, cfg.Custom, cfg.External)
	if err != nil {
		return nil, err
	}
	server.GenericAPIServer.ShutdownTimeout = cfg.RequestTimeout
	return server.GenericAPIServer, nil
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

// definitions are the schemas of all types that the server speaks of.
func definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	all := map[string]common.OpenAPIDefinition{}
	for _, get := range []common.GetOpenAPIDefinitions{
		generatedcore.GetOpenAPIDefinitions, generatedcustom.GetOpenAPIDefinitions, generatedexternal.GetOpenAPIDefinitions,
	} {
		for k, v := range get(ref) {
			all[k] = v
		}
	}
	return all
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
