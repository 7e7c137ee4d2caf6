package api

import (
	"fmt"
	"net/http"
	"time"

	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	"k8s.io/kube-openapi/pkg/common"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	generatedcore "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/core"
	generatedcustom "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/custommetrics"
	generatedexternal "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/externalmetrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/trimtab/trimtab/internal/recent"
)

// apis are the APIs of a server. A nil API is not served.
type apis struct {
	custom   CustomAPI
	external ExternalAPI
	resource ResourceAPI
}

// front puts a handler in front of the library's own handlers.
type front func(handlers http.Handler, c *genericapiserver.Config) http.Handler

// newGeneric makes the library's server of these APIs. The server and its offline form differ only in configure and
// front.
func (a apis) newGeneric(timeout time.Duration, configure func(*genericapiserver.Config) error, f front) (*genericapiserver.GenericAPIServer, error) {
	resources, err := newResourceScheme()
	if err != nil {
		return nil, err
	}
	c := genericapiserver.NewConfig(apiserver.Codecs)
	// The server never calls itself.
	c.LoopbackClientConfig = &rest.Config{}
	c.RequestTimeout = timeout
	// Metrics and profiles are the process's, on its own port.
	c.EnableMetrics, c.EnableProfiling, c.EnableIndex = false, false, false
	c.BuildHandlerChainFunc = f
	namer := openapi.NewDefinitionNamer(apiserver.Scheme, resources)
	c.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(a.definitions, namer)
	c.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(a.definitions, namer)
	c.OpenAPIConfig.Info.Title, c.OpenAPIV3Config.Info.Title = name, name
	if err := configure(c); err != nil {
		return nil, err
	}
	custom, external := a.providers()
	server, err := (&apiserver.Config{GenericConfig: c}).Complete(nil).New(name, custom, external)
	if err != nil {
		return nil, err
	}
	if a.resource != nil {
		if err := installResource(server.GenericAPIServer, resources, a.resource); err != nil {
			return nil, fmt.Errorf("install metrics.k8s.io: %w", err)
		}
	}
	return server.GenericAPIServer, nil
}

func (a apis) providers() (provider.CustomMetricsProvider, provider.ExternalMetricsProvider) {
	var custom provider.CustomMetricsProvider
	var external provider.ExternalMetricsProvider
	if a.custom != nil {
		custom = customProvider{a.custom}
	}
	if a.external != nil {
		external = externalProvider{a.external}
	}
	return custom, external
}

// newFast makes the handler in front of the library's handlers. The caller adds authentication and authorisation.
func (a apis) newFast(library http.Handler, c *genericapiserver.Config) *fast {
	lists := map[string]*document{}
	if a.custom != nil {
		for _, v := range []version{customV1beta1, customV1beta2} {
			lists["/apis/"+v.apiVersion()] = newCustomDocument(v, a.custom)
		}
	}
	if a.external != nil {
		lists["/apis/"+externalV1beta1.apiVersion()] = newExternalDocument(a.external)
	}
	return &fast{
		library: library, custom: a.custom, external: a.external,
		routes:  &routes{info: genericapiserver.NewRequestInfoResolver(c), lists: lists, known: recent.New[*route](routeLimit)},
		accepts: newNegotiator(),
		timeout: c.RequestTimeout, limit: int64(c.MaxRequestsInFlight),
		enter: func() error { return c.NonLongRunningRequestWaitGroup.Add(1) },
		leave: c.NonLongRunningRequestWaitGroup.Done,
	}
}

// definitions are the OpenAPI schemas of all types of the server.
func (a apis) definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	all := map[string]common.OpenAPIDefinition{}
	sources := []common.GetOpenAPIDefinitions{generatedcore.GetOpenAPIDefinitions}
	if a.custom != nil {
		sources = append(sources, generatedcustom.GetOpenAPIDefinitions)
	}
	if a.external != nil {
		sources = append(sources, generatedexternal.GetOpenAPIDefinitions)
	}
	if a.resource != nil {
		sources = append(sources, resourceDefinitions)
	}
	for _, source := range sources {
		for k, v := range source(ref) {
			all[k] = v
		}
	}
	return all
}

// NewHandler answers as a Server does, but without authentication and authorisation. It is for answers from files,
// never for a port. A nil API is not served.
func NewHandler(custom CustomAPI, external ExternalAPI, resource ResourceAPI) (http.Handler, error) {
	a := apis{custom, external, resource}
	server, err := a.newGeneric(time.Minute, withoutPort,
		func(handlers http.Handler, c *genericapiserver.Config) http.Handler {
			library := filters.WithRequestInfo(withoutRetryAfter(checkMetricSelector(handlers)), genericapiserver.NewRequestInfoResolver(c))
			return a.newFast(filters.WithCacheControl(filters.WithAuditInit(library)), c)
		})
	if err != nil {
		return nil, fmt.Errorf("metrics API: %w", err)
	}
	server.PrepareRun() // adds OpenAPI and the health checks
	return server.Handler, nil
}

// withoutPort keeps the library from looking for a port, since there is none.
func withoutPort(c *genericapiserver.Config) error {
	c.ExternalAddress = "localhost:443"
	return nil
}
