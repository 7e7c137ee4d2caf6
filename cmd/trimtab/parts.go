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

// shared is what all parts use.
type shared struct {
	kube     *kube.Kube
	prom     *prom.Client // nil when no server is configured
	journal  *journal.Journal
	log      *slog.Logger
	registry registry
	// ending says that the process ends, so that it should get no new requests.
	ending *atomic.Bool
}

// registry is where metrics are registered, and gathered from.
type registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// part is one of the four parts, under its name in the configuration file.
type part struct {
	name string
	// codes are all its verdict codes.
	codes []verdict.CodeDoc
	// services makes its services; none where the file has no section for it.
	services func(b *builder) ([]service, error)
}

// parts are in the order of their creation: the scalers before the adapter, which serves their metrics.
func parts() []part {
	return []part{
		{"scalers", scalers.Codes(), scalersServices},
		{"adapter", adapter.Codes(), adapterServices},
		{"vpa", vpa.Codes(), vpaServices},
		{"clusterScaler", clusterscaler.Codes(), clusterScalerServices},
	}
}

// newJournal is the journal for these parts.
func newJournal(capacity int, log *slog.Logger, reg registry) *journal.Journal {
	j := journal.New(capacity, log, reg, time.Now)
	for _, part := range parts() {
		j.Document(part.name, part.codes)
	}
	return j
}

// builder is the input of the parts. Only here do parts meet: a cluster has one external metrics API, so the adapter
// serves the scalers' metrics too.
type builder struct {
	shared
	path     string
	cfg      *configFile
	external []adapter.ExternalSource
}

// build makes the services of all parts that are configured.
func build(path string, cfg *configFile, s shared) ([]service, error) {
	b := &builder{shared: s, path: path, cfg: cfg}
	var all []service
	for _, p := range parts() {
		services, err := p.services(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, services...)
	}
	return all, nil
}

func scalersServices(b *builder) ([]service, error) {
	if b.cfg.Scalers == nil {
		return nil, nil
	}
	const answers = "scalers.answers"
	forLoop, err := b.kube.ForLeader("scalers")
	if err != nil {
		return nil, err
	}
	forAnswers, err := b.kube.For(answers)
	if err != nil {
		return nil, err
	}
	s, err := scalers.New(*b.cfg.Scalers, scalers.Deps{
		Kube: forLoop, Answers: forAnswers, Journal: b.journal, Log: b.log.With("part", "scalers"), Registry: b.registry, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	b.external = append(b.external, s)
	return []service{{name: "scalers", runner: s, leads: true}, {name: answers, runner: s.Answers()}}, nil
}

// adapterServices makes the metrics APIs. With scalers they exist even without their own section. They are reloaded
// when their section changes.
func adapterServices(b *builder) ([]service, error) {
	cfg := b.cfg.metricsAPI()
	if cfg == nil {
		return nil, nil
	}
	own, err := b.kube.For("adapter")
	if err != nil {
		return nil, err
	}
	a, err := adapter.New(*cfg, adapter.Deps{
		Kube: own, Journal: b.journal, Log: b.log.With("part", "adapter"), Registry: b.registry, Prom: b.prom, Now: time.Now,
		External: b.external,
	})
	if err != nil {
		return nil, err
	}
	services := []service{{name: "adapter", runner: a}}
	if b.cfg.Adapter != nil {
		services = append(services, service{name: "reload", runner: newReloader(b.path, b.cfg, b.shared, a)})
	}
	return services, nil
}

func vpaServices(b *builder) ([]service, error) {
	if b.cfg.VPA == nil {
		return nil, nil
	}
	const name = "vpa.recommender"
	own, err := b.kube.ForLeader(name)
	if err != nil {
		return nil, err
	}
	r, err := recommender.New(b.cfg.VPA.Recommender, recommender.Deps{
		Kube: own, Journal: b.journal, Log: b.log.With("part", "vpa"), Registry: b.registry, Prom: b.prom, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return []service{{name: name, runner: r, leads: true}}, nil
}

// clusterScalerServices makes one service. Its drains have their own budget, so that its other writes do not delay
// them.
func clusterScalerServices(b *builder) ([]service, error) {
	if b.cfg.ClusterScaler == nil {
		return nil, nil
	}
	own, err := b.kube.ForLeader("clusterScaler")
	if err != nil {
		return nil, err
	}
	drain, err := b.kube.ForLeader("drain")
	if err != nil {
		return nil, err
	}
	c, err := clusterscaler.New(*b.cfg.ClusterScaler, clusterscaler.Deps{
		Kube: own, Drain: drain, Journal: b.journal, Log: b.log.With("part", "clusterScaler"), Registry: b.registry, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return []service{{name: "clusterScaler", runner: c, leads: true}}, nil
}
