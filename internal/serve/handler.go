package serve

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// InFlight answers at most so many requests at the same time, and a quarter of that for one client address. Others get
// 503 with Retry-After. what is the limit's name in that answer, such as its configuration key.
func InFlight(most int, what string, next http.Handler) http.Handler {
	share := max(1, most/4)
	var mu sync.Mutex
	all, held := 0, map[string]int{}
	enter := func(client string) bool {
		mu.Lock()
		defer mu.Unlock()
		if all >= most || held[client] >= share {
			return false
		}
		all++
		held[client]++
		return true
	}
	leave := func(client string) {
		mu.Lock()
		defer mu.Unlock()
		all--
		if held[client]--; held[client] == 0 {
			delete(held, client)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := clientOf(r.RemoteAddr)
		if !enter(client) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, fmt.Sprintf("too many requests in flight: at most %d, and %d of one address (%s)", most, share, what), http.StatusServiceUnavailable)
			return
		}
		defer leave(client)
		next.ServeHTTP(w, r)
	})
}

// Local answers requests whose Host header is localhost or a loopback address. A browser that was sent here by another
// name (DNS rebinding) sends that name, and is refused.
func Local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		address, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if host != "localhost" && (err != nil || !address.IsLoopback()) {
			http.Error(w, "this page is for localhost; ask it by that name, as through kubectl port-forward", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// IsLoopback is true for a listener that only this machine can reach.
func IsLoopback(l net.Listener) bool {
	tcp, ok := l.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
