package adapter

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/prom"
)

// Server is a Prometheus, or a server with the same API. It is safe for concurrent use.
type Server interface {
	Query(ctx context.Context, promql string, at time.Time) (prom.Result, error)
	Series(ctx context.Context, selectors []string, start, end time.Time) (sets []model.LabelSet, warnings []string, err error)
	LabelNames(ctx context.Context, selectors []string, start, end time.Time) (names, warnings []string, err error)
	LabelValues(ctx context.Context, label string, selectors []string, start, end time.Time) (values, warnings []string, err error)
	// ForNamespace is the server for the tenant that a namespace belongs to.
	ForNamespace(namespace string) Server
	// Tenant identifies that tenant. Without tenants it is the same for all namespaces.
	Tenant(namespace string) string
}

// Source is a further Prometheus, which rules name in `source`.
type Source struct {
	// Name is the name in rules. Required.
	Name string `yaml:"name"`
	// Config says how to reach it.
	prom.Config `yaml:",inline"`
}

// Validate checks what the types cannot.
func (s *Source) Validate() config.Problems {
	var ps config.Problems
	if s.Name == "" {
		ps.Add("name", "is required: rules name the server by it")
	}
	return append(ps, s.Config.Validate()...)
}

// realServer makes a Server from a client.
type realServer struct{ *prom.Client }

func (s realServer) ForNamespace(namespace string) Server {
	return realServer{s.Client.ForNamespace(namespace)}
}

// connect makes the servers by name. The server without a name is that of the section prometheus.
func (s *setup) connect(deps Deps) error {
	s.servers = map[string]Server{}
	if deps.Prom != nil {
		s.servers[""] = realServer{deps.Prom}
	}
	for i, source := range s.cfg.Sources {
		c, err := prom.NewClient(source.Config, prom.Deps{Registry: deps.Registry, Log: deps.Log})
		if err != nil {
			return fmt.Errorf("sources[%d] (%s): %w", i, source.Name, err)
		}
		s.clients = append(s.clients, c)
		s.servers[source.Name] = realServer{c}
	}
	return nil
}
