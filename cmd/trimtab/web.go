package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	serving "github.com/trimtab/trimtab/internal/serve"
	"github.com/trimtab/trimtab/internal/text"
)

// webServer is one plain HTTP port: for health and metrics, or for the debug pages.
type webServer struct {
	listener net.Listener
	server   *http.Server
	// debug is the port of the debug pages; nil where they are disabled.
	debug *webServer
}

// listen opens the addresses, so that a port in use is an error at the start.
func listen(cfg serverConfig, s shared, services []service) (*webServer, error) {
	web, err := bind("server.address", cfg.Address, cfg.MaxConnections)
	if err != nil {
		return nil, err
	}
	web.server.Handler = route(cfg, pages(cfg, s, services))
	if cfg.DebugAddress == "" {
		return web, nil
	}
	if web.debug, err = listenDebug(cfg, s, services); err != nil {
		_ = web.listener.Close()
		return nil, err
	}
	return web, nil
}

// bind opens a port, under its key in the configuration.
func bind(key, address string, connections int) (*webServer, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return &webServer{listener: serving.Limit(l, connections), server: &http.Server{
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}}, nil
}

// pages are the pages of server.address, by path; docs/operations.md has the same list. Health checks have their own
// limit, so that a flood of other requests does not block them.
func pages(cfg serverConfig, s shared, services []service) map[string]http.Handler {
	health := http.NewServeMux()
	health.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	health.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		writeReadiness(w, services, s.kube.StandsBy(), s.ending.Load())
	})
	checks := serving.InFlight(healthChecks, "health checks", health)
	metrics := promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry})
	return map[string]http.Handler{
		"/healthz": checks,
		"/readyz":  checks,
		"/metrics": serving.InFlight(cfg.MaxRequests, "server.maxRequests", metrics),
	}
}

// healthChecks is how many health checks are answered at the same time.
const healthChecks = 32

// route serves pages. For a debug page it says where the debug pages are.
func route(cfg serverConfig, pages map[string]http.Handler) http.Handler {
	mux := http.NewServeMux()
	for path, handler := range pages {
		mux.Handle("GET "+path, handler)
	}
	mux.HandleFunc("GET /debug/", func(w http.ResponseWriter, _ *http.Request) {
		where := "at server.debugAddress, " + cfg.DebugAddress + " of this pod: kubectl port-forward reaches it"
		if cfg.DebugAddress == "" {
			where = "turned off: server.debugAddress is empty"
		}
		http.Error(w, "the debug pages are "+where, http.StatusNotFound)
	})
	return mux
}

// Addr is the address of the port.
func (w *webServer) Addr() string { return w.listener.Addr().String() }

// Run serves until ctx ends.
func (w *webServer) Run(ctx context.Context) error {
	if w.debug == nil {
		return w.serve(ctx)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.serve(ctx) })
	g.Go(func() error { return w.debug.serve(ctx) })
	return g.Wait()
}

func (w *webServer) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- w.server.Serve(w.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := w.server.Shutdown(ending); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}

// writeReadiness lists each service. The process is ready only if each service is ready and the process does not end.
func writeReadiness(w http.ResponseWriter, services []service, standsBy, ending bool) {
	list, ready := readiness(services, standsBy)
	if ending {
		list, ready = "ending   the process ends; requests are answered for a while\n"+list, false
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprint(w, list)
}

// readiness has a line for each service. A service that another replica runs is ready to take over.
func readiness(services []service, standsBy bool) (list string, ready bool) {
	var b strings.Builder
	ready = true
	for _, sv := range services {
		err := sv.Ready()
		switch {
		case sv.leads && standsBy:
			fmt.Fprintf(&b, "ok       %s: standing by, another replica leads\n", sv.name)
		case err != nil:
			ready = false
			fmt.Fprintf(&b, "waiting  %s: %s\n", sv.name, text.Line(err.Error()))
		default:
			fmt.Fprintf(&b, "ok       %s%s\n", sv.name, note(sv.runner))
		}
	}
	return b.String(), ready
}

// note is an additional text of a ready service.
func note(r runner) string {
	if n, ok := r.(interface{ Note() string }); ok {
		if text := n.Note(); text != "" {
			return ": " + text
		}
	}
	return ""
}
