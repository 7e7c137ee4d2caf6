package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/logs"
	"github.com/trimtab/trimtab/internal/prom"
)

func runCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "run --config FILE", GroupID: groupService,
		Short: "Run the service",
		Long:  "Runs the parts that the configuration file has a section for, until it is interrupted.",
		Example: `  $ trimtab run --config trimtab.yaml
  $ curl -s localhost:8080/readyz          # which part is ready, and what the others wait for
  $ curl -s localhost:8081/debug/decisions # what was decided lately, and why`,
	}
	path := cmd.Flags().StringP("config", "f", "", "configuration `file`, - for standard input")
	completesYAML(cmd, "config")
	var cluster clusterFlags
	cluster.define(cmd.Flags(), cmd)
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *path == "" || len(args) > 0 {
			return wrongUsage("it takes --config FILE and no argument")
		}
		cfg, err := loadConfig(*path, s)
		if err == nil {
			err = serve(cmd.Context(), *path, cfg, cluster, newLogger(cfg.Log, s.err))
		}
		return logged(cfg, err, s)
	}
	return cmd
}

// logged also writes the error that ends the service to the log, if the log is JSON. cfg is the configuration as far as
// it could be read.
func logged(cfg *configFile, err error, s stdio) error {
	if err == nil || cfg == nil || cfg.Log.Format != "json" {
		return err
	}
	log := newLogger(cfg.Log, s.err)
	for _, line := range linesOf(err) {
		log.Error("trimtab ends", "error", line)
	}
	return errReported
}

// loadConfig reads and checks everything that `trimtab check` does, before any connection. With an error about the
// content of the file it also returns the rest of the content. It returns none if the file could not be read.
func loadConfig(path string, s stdio) (*configFile, error) {
	name, data, err := readInput(path, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return decodeConfig(name, data)
}

func (c logConfig) level() (l slog.Level, err error) { return l, l.UnmarshalText([]byte(c.Level)) }

func newLogger(c logConfig, w io.Writer) *slog.Logger {
	level, _ := c.level() // validated
	return logs.New(w, level, c.Format == "json")
}

// runner is a service for this program. Its errors do not contain its name, which is added here.
type runner interface {
	// Run blocks until ctx ends (nil) or the service cannot go on.
	Run(ctx context.Context) error
	// Ready is nil as soon as the service has its first plan, or can answer.
	Ready() error
}

// service is a running piece of a part: a loop, or a server. A part has several if some of its work is for the leader
// and some for every replica. Each service has its own name in the metrics of API requests, and its own budget.
type service struct {
	// name is the name of its part. If the part has several services, a word for the service follows:
	// "vpa.recommender".
	name string
	runner
	// leads says that it writes, and so runs on the leader only.
	leads bool
}

// serve builds the parts and runs them until ctx ends or one of them fails.
func serve(ctx context.Context, path string, cfg *configFile, cluster clusterFlags, log *slog.Logger) error {
	// Libraries log to the same log, from warnings on.
	quiet := slog.New(atLeast{slog.LevelWarn, log.Handler()})
	klog.SetSlogLogger(quiet)
	ctrllog.SetLogger(logr.FromSlogHandler(quiet.Handler()))
	// What they print with package log is about problems.
	slog.SetDefault(log)
	slog.SetLogLoggerLevel(slog.LevelWarn)
	limitMemory(log)

	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	k, err := kube.New(cluster.over(cfg.Kubernetes), log, registry)
	if err != nil {
		return err
	}
	if err := k.Await(ctx); ctx.Err() != nil {
		return nil // interrupted
	} else if err != nil {
		return err
	}
	s := shared{kube: k, log: log, registry: registry, ending: new(atomic.Bool), journal: newJournal(cfg.Server.Decisions, log, registry)}
	if cfg.Prometheus != nil {
		if s.prom, err = prom.NewClient(*cfg.Prometheus, prom.Deps{Registry: registry, Log: log}); err != nil {
			return err
		}
	}
	services, err := build(path, cfg, s)
	if err != nil {
		return err
	}
	web, err := listen(cfg.Server, s, services)
	if err != nil {
		return err
	}
	log.Info("trimtab starts", "version", currentVersion(), "parts", names(services), "address", web.Addr())
	return runAll(ctx, cfg, s, services, web)
}

// runAll starts the services in three steps: what everything needs, the services of every replica, the services of the
// leader. When ctx ends, or something fails, they end in this order:
//
//  1. /readyz fails, so that Services send no new requests here.
//  2. The leader's services end, and the Lease is given back: another replica leads.
//  3. The services of every replica continue for server.shutdownDelay, until no more requests come; then they end.
//  4. The plain HTTP server, the cache and the Event recorder end. The services write through them until then.
func runAll(ctx context.Context, cfg *configFile, s shared, services []service, web *webServer) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	edgeCtx, stopEdges := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEdges()
	edges, edgeCtx := errgroup.WithContext(edgeCtx)
	defer context.AfterFunc(edgeCtx, end)()
	edges.Go(func() error { tuneCollection(edgeCtx); return nil })
	edges.Go(func() error { return web.Run(edgeCtx) })
	edges.Go(func() error { return s.kube.Run(edgeCtx) })

	g, ending := errgroup.WithContext(ctx)
	servingCtx, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	serving, servingCtx := errgroup.WithContext(servingCtx)
	for _, sv := range services {
		if !sv.leads {
			serving.Go(sv.named(servingCtx))
		}
	}
	defer context.AfterFunc(servingCtx, end)()
	g.Go(func() error {
		<-ending.Done()
		s.ending.Store(true)
		linger(servingCtx, cfg.Server.ShutdownDelay.Std(), s, services)
		stopServing()
		return serving.Wait()
	})
	g.Go(func() error {
		return s.kube.Lead(ending, cfg.LeaderElection, func(ctx context.Context) error {
			leaders, ctx := errgroup.WithContext(ctx)
			leaders.Go(func() error { <-ctx.Done(); return nil })
			for _, sv := range services {
				if sv.leads {
					leaders.Go(sv.named(ctx))
				}
			}
			return leaders.Wait()
		})
	})
	err := g.Wait()
	stopEdges()
	return errors.Join(err, edges.Wait())
}

// linger waits until no more requests come. It does not wait if the replica is not ready, since it gets none then.
func linger(ctx context.Context, delay time.Duration, s shared, services []service) {
	if _, ready := readiness(services, s.kube.StandsBy()); !ready || !slices.ContainsFunc(services, func(sv service) bool { return !sv.leads }) {
		return
	}
	s.log.Info("trimtab is ending; requests are answered for a while", "for", delay)
	select {
	case <-ctx.Done(): // a service of every replica has failed
	case <-time.After(delay):
	}
}

// named adds the service's name to its error. A service that ends early without an error is an error too.
func (sv service) named(ctx context.Context) func() error {
	return func() error {
		err := sv.Run(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", sv.name, err)
		case ctx.Err() == nil:
			return fmt.Errorf("%s ended by itself", sv.name)
		default:
			return nil
		}
	}
}

func names(services []service) []string {
	out := make([]string, len(services))
	for i, sv := range services {
		out[i] = sv.name
	}
	return out
}

// atLeast drops records below a level.
type atLeast struct {
	level slog.Level
	slog.Handler
}

func (h atLeast) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h atLeast) WithAttrs(a []slog.Attr) slog.Handler {
	return atLeast{h.level, h.Handler.WithAttrs(a)}
}

func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.level, h.Handler.WithGroup(name)}
}
