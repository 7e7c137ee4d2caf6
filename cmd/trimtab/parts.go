package main

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers"
	"github.com/trimtab/trimtab/vpa"
	"github.com/trimtab/trimtab/vpa/recommender"
)

// shared is what the parts have in common.
type shared struct {
	kube     *kube.Kube
	prom     *prom.Client // nil when no server is configured
	journal  *journal.Journal
	log      *slog.Logger
	registry registry
	// ending says that the process ends, so that no new requests should be led to it.
	ending *atomic.Bool
}

// registry is where metrics are registered, and gathered from.
type registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// documentedPart is a part, under its name in the configuration file, with all that it can decide.
type documentedPart struct {
	name  string
	codes []verdict.CodeDoc
}

func documentedParts() []documentedPart {
	return []documentedPart{
		{"adapter", adapter.Codes()}, {"scalers", scalers.Codes()}, {"vpa", vpa.Codes()}, {"clusterScaler", clusterscaler.Codes()},
	}
}

// newJournal is the journal of a program with these parts.
func newJournal(capacity int, log *slog.Logger, reg registry) *journal.Journal {
	j := journal.New(capacity, log, reg, time.Now)
	for _, part := range documentedParts() {
		j.Document(part.name, part.codes)
	}
	return j
}

// build makes the parts that are configured. Here alone they meet: the scalers' metrics are served by
// the adapter, since a cluster has one external metrics API. Without an adapter section it still
// serves, when there are scalers.
func build(path string, cfg *configFile, s shared) ([]service, error) {
	var services []service
	var external []adapter.ExternalSource
	if cfg.Scalers != nil {
		part, err := newScalers(*cfg.Scalers, s)
		if err != nil {
			return nil, fmt.Errorf("scalers: %w", err)
		}
		services = append(services, service{name: "scalers", part: part, leads: true})
		external = append(external, part)
	}
	if adapterConfig := cfg.metricsAPI(); adapterConfig != nil {
		part, err := newAdapter(*adapterConfig, s, external)
		if err != nil {
			return nil, fmt.Errorf("adapter: %w", err)
		}
		services = append(services, service{name: "adapter", part: part})
		if cfg.Adapter != nil {
			services = append(services, service{name: "reload", part: newReloader(path, cfg, s, part)})
		}
	}
	if cfg.VPA != nil {
		part, err := newRecommender(cfg.VPA.Recommender, s)
		if err != nil {
			return nil, fmt.Errorf("vpa: %w", err)
		}
		services = append(services, service{name: "vpa", part: part, leads: true})
	}
	if cfg.ClusterScaler != nil {
		part, err := newClusterScaler(*cfg.ClusterScaler, s)
		if err != nil {
			return nil, fmt.Errorf("clusterScaler: %w", err)
		}
		services = append(services, service{name: "clusterScaler", part: part, leads: true})
	}
	return services, nil
}

func newScalers(cfg scalers.Config, s shared) (*scalers.Scalers, error) {
	own, err := s.kube.ForLeader("scalers")
	if err != nil {
		return nil, err
	}
	return scalers.New(cfg, scalers.Deps{
		Kube: own, Journal: s.journal, Log: s.log.With("part", "scalers"), Registry: s.registry, Now: time.Now,
	})
}

func newAdapter(cfg adapter.Config, s shared, external []adapter.ExternalSource) (*adapter.Adapter, error) {
	own, err := s.kube.For("adapter")
	if err != nil {
		return nil, err
	}
	return adapter.New(cfg, adapter.Deps{
		Kube: own, Journal: s.journal, Log: s.log.With("part", "adapter"), Registry: s.registry, Prom: s.prom, Now: time.Now,
		External: external,
	})
}

func newRecommender(cfg recommender.Config, s shared) (*recommender.Recommender, error) {
	own, err := s.kube.ForLeader("vpa")
	if err != nil {
		return nil, err
	}
	return recommender.New(cfg, recommender.Deps{
		Kube: own, Journal: s.journal, Log: s.log.With("part", "vpa"), Registry: s.registry, Prom: s.prom, Now: time.Now,
	})
}

// newClusterScaler makes one whose drains have a budget of their own: nothing else that it writes holds them up.
func newClusterScaler(cfg clusterscaler.Config, s shared) (*clusterscaler.ClusterScaler, error) {
	own, err := s.kube.ForLeader("clusterScaler")
	if err != nil {
		return nil, err
	}
	drain, err := s.kube.ForLeader("drain")
	if err != nil {
		return nil, err
	}
	return clusterscaler.New(cfg, clusterscaler.Deps{
		Kube: own, Drain: drain, Journal: s.journal, Log: s.log.With("part", "clusterScaler"), Registry: s.registry, Now: time.Now,
	})
}
