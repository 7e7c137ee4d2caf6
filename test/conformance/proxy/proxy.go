package proxy

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// maxForm bounds the form of a request; a selector over 10,000 pods has about a megabyte.
const maxForm = 64 << 20

// Request is what was asked of Prometheus.
type Request struct {
	Method string
	// Path is that of the URL: /api/v1/query.
	Path string
	// Query is the parameter query, Match the parameters match[].
	Query string
	Match []string
}

// Proxy forwards to one Prometheus. It is safe for concurrent use.
type Proxy struct {
	// URL is where it listens.
	URL string

	server *http.Server
	next   http.Handler

	mu       sync.Mutex
	requests []Request
	delay    time.Duration
	failure  int
	instead  http.Handler
}

// Start listens on a free port of this machine.
func Start(target string) (*Proxy, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	next := httputil.NewSingleHostReverseProxy(to)
	next.ErrorLog = log.New(io.Discard, "", 0) // the client is told
	p := &Proxy{URL: "http://" + listener.Addr().String(), next: next}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // ends with Close
	return p, nil
}

// Close stops listening, and breaks off what is under way.
func (p *Proxy) Close() { _ = p.server.Close() }

// Delay makes each answer come that much later.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Fail makes each answer an error of that status; 0 ends it.
func (p *Proxy) Fail(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = status
}

// Instead makes a handler answer in place of Prometheus; nil ends it.
func (p *Proxy) Instead(h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = h
}

// Take gives what was asked since it was called last, in the order of arrival.
func (p *Proxy) Take() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.requests
	p.requests = nil
	return taken
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, err := read(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	p.requests = append(p.requests, asked)
	delay, failure, next := p.delay, p.failure, p.next
	if p.instead != nil {
		next = p.instead
	}
	p.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-r.Context().Done():
			return
		case <-timer.C:
		}
	}
	if failure != 0 {
		http.Error(w, "broken on demand", failure)
		return
	}
	next.ServeHTTP(w, r)
}

// read takes the parameters of the URL and the form, and leaves the body as it was.
func read(w http.ResponseWriter, r *http.Request) (Request, error) {
	parameters := r.URL.Query()
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
		if err != nil {
			return Request{}, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return Request{}, err
		}
		for name, values := range form {
			parameters[name] = append(parameters[name], values...)
		}
	}
	return Request{Method: r.Method, Path: r.URL.Path, Query: parameters.Get("query"), Match: parameters["match[]"]}, nil
}
