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
)

// webServer answers operators, in plain HTTP: health, metrics, decisions.
type webServer struct {
	listener net.Listener
	server   *http.Server
}

// listen binds the address, so that a port in use is an error at start.
func listen(cfg serverConfig, s shared, services []service) (*webServer, error) {
	l, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("server.address: %w", err)
	}
	mux := http.NewServeMux()
	for path, handler := range pages(s, services) {
		mux.Handle("GET "+path, handler)
	}
	return &webServer{listener: l, server: &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}}, nil
}

// pages are what is served, by path; docs/operations.md has the same list.
func pages(s shared, services []service) map[string]http.Handler {
	return map[string]http.Handler{
		"/healthz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }),
		"/readyz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeReadiness(w, services, s.kube.StandsBy())
		}),
		"/metrics":         promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry}),
		"/debug/decisions": s.journal,
		"/debug/explain":   explainHandler(services),
	}
}

// Addr is the address that is listened on.
func (w *webServer) Addr() string { return w.listener.Addr().String() }

// Run serves until ctx ends.
func (w *webServer) Run(ctx context.Context) error {
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

// writeReadiness lists each part: ready only when each has its first plan. A part that another replica
// leads is ready to take over.
func writeReadiness(w http.ResponseWriter, services []service, standsBy bool) {
	var b strings.Builder
	status := http.StatusOK
	for _, sv := range services {
		err := sv.part.Ready()
		switch {
		case sv.leads && standsBy:
			fmt.Fprintf(&b, "ok       %s: standing by, another replica leads\n", sv.name)
		case err != nil:
			status = http.StatusServiceUnavailable
			fmt.Fprintf(&b, "waiting  %s: %v\n", sv.name, err)
		default:
			fmt.Fprintf(&b, "ok       %s%s\n", sv.name, note(sv.part))
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, b.String())
}

// note is what a part that is ready says of itself beside.
func note(p part) string {
	if n, ok := p.(interface{ Note() string }); ok {
		if text := n.Note(); text != "" {
			return ": " + text
		}
	}
	return ""
}
