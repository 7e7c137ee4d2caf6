package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/trimtab/trimtab/test/bench/command"
)

const (
	// parallel is how many callers ask at once; the HPA controller has five.
	parallel = 8
	// syncPeriod is the HPA controller's.
	syncPeriod = 15 * time.Second
)

// callers ask the API server as the HPA controller does, with its rights.
type callers struct {
	http *http.Client
	url  string
}

func newCallers(config *rest.Config) (*callers, error) {
	as := rest.CopyConfig(config)
	as.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:kube-system:horizontal-pod-autoscaler",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
	}
	client, err := rest.HTTPClientFor(as)
	if err != nil {
		return nil, err
	}
	return &callers{http: client, url: config.Host}, nil
}

// load is what callers met.
type load struct {
	took    time.Duration
	latency []time.Duration // of each request, sorted
	bytes   int64
	// failures counts answers that are not 200, and failure is one of them.
	failures int
	failure  string
}

// get asks once. An error means that there was no answer at all.
func (c *callers) get(ctx context.Context, path string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// serves says whether the answer is 200.
func (c *callers) serves(ctx context.Context, path string) (bool, error) {
	status, _, err := c.get(ctx, path)
	return status == http.StatusOK, err
}

// collector adds up what many callers meet.
type collector struct {
	mu   sync.Mutex
	load load
}

func (c *collector) add(took time.Duration, status int, body []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load.latency = append(c.load.latency, took)
	c.load.bytes += int64(len(body))
	if err != nil || status != http.StatusOK {
		c.load.failures++
		c.load.failure = fmt.Sprintf("%d %.300s %v", status, body, err)
	}
}

func (c *collector) result(began time.Time) load {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load.took = time.Since(began)
	slices.Sort(c.load.latency)
	return c.load
}

// closed has parallel callers. Each sends its next request after the answer. path gives the n-th path.
func (c *callers) closed(ctx context.Context, d time.Duration, path func(n int) string) (load, error) {
	var (
		found collector
		all   sync.WaitGroup
		began = time.Now()
	)
	for caller := range parallel {
		all.Go(func() {
			for n := caller; time.Since(began) < d && ctx.Err() == nil; n += parallel {
				sent := time.Now()
				status, body, err := c.get(ctx, path(n))
				found.add(time.Since(sent), status, body, err)
			}
		})
	}
	all.Wait()
	return found.result(began), ctx.Err()
}

// open asks for all paths in each cycle, spread evenly over it, whether those before were answered or not.
func (c *callers) open(ctx context.Context, cycles int, paths []string) (load, error) {
	var (
		found collector
		all   sync.WaitGroup
		began = time.Now()
		gap   = syncPeriod / time.Duration(len(paths))
	)
	for n := range cycles * len(paths) {
		due := began.Add(time.Duration(n) * gap)
		if err := command.Sleep(ctx, time.Until(due)); err != nil {
			break
		}
		all.Go(func() {
			status, body, err := c.get(ctx, paths[n%len(paths)])
			found.add(time.Since(due), status, body, err)
		})
	}
	all.Wait()
	return found.result(began), ctx.Err()
}
