package main

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"strconv"

	"github.com/trimtab/trimtab/internal/review"
	serving "github.com/trimtab/trimtab/internal/serve"
)

const (
	// debugReviews and debugReviewBurst limit the reviews of callers of the debug pages, per second. They have their
	// own budget, so a flood of bad tokens costs the other parts nothing.
	debugReviews     = 5
	debugReviewBurst = 10
	// debugRequests is how many requests for debug pages are answered at the same time.
	debugRequests = 16
)

// debugPages show the decisions about all namespaces, and profiles of the process, by path. docs/operations.md has the
// same list.
func debugPages(s shared, services []service) map[string]http.Handler {
	return map[string]http.Handler{
		"/debug/decisions":     s.journal,
		"/debug/explain":       explainHandler(services),
		"/debug/snapshot":      snapshotHandler(services),
		"/debug/pprof/heap":    bounded(pprof.Handler("heap")),
		"/debug/pprof/profile": bounded(http.HandlerFunc(pprof.Profile)),
	}
}

// longestProfile is how many seconds a profile may take; pprof itself takes any number, and 30 for what is none.
const longestProfile = 60

// bounded refuses a profile without an end: there is one at a time, and it slows the process down.
func bounded(profile http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if given := r.URL.Query()["seconds"]; given != nil {
			if n, err := strconv.Atoi(given[0]); err != nil || n < 1 || n > longestProfile {
				http.Error(w, fmt.Sprintf("seconds %.80q is not between 1 and %d", given[0], longestProfile), http.StatusBadRequest)
				return
			}
		}
		profile.ServeHTTP(w, r)
	})
}

// listenDebug binds the address of the debug pages. Whoever reaches a loopback address may run programs in the pod, or
// port-forward to it. On any other address each request needs a token, and its user the right to get the path.
func listenDebug(cfg serverConfig, s shared, services []service) (*webServer, error) {
	debug, err := bind("server.debugAddress", cfg.DebugAddress, cfg.MaxConnections)
	if err != nil {
		return nil, fmt.Errorf("%w; the debug pages take any other address, or none (\"\")", err)
	}
	mux := http.NewServeMux()
	for path, handler := range debugPages(s, services) {
		mux.Handle("GET "+path, handler)
	}
	if debug.server.Handler, err = guarded(debug, s, mux); err != nil {
		_ = debug.listener.Close()
		return nil, fmt.Errorf("server.debugAddress: %w", err)
	}
	return debug, nil
}

// guarded uses the address that was opened, not the text of the setting.
func guarded(debug *webServer, s shared, next http.Handler) (http.Handler, error) {
	if serving.IsLoopback(debug.listener) {
		return serving.InFlight(debugRequests, "debug pages", serving.Local(next)), nil
	}
	client, err := review.Client(s.kube.REST, debugReviews, debugReviewBurst)
	if err != nil {
		return nil, err
	}
	s.log.Warn("the debug pages are on an address that others reach: each request needs a bearer token, and travels in plain HTTP", "address", debug.Addr())
	reviewed, err := review.Guard(client, next)
	if err != nil {
		return nil, err
	}
	return serving.InFlight(debugRequests, "debug pages", reviewed), nil
}
