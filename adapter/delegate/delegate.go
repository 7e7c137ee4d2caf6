package delegate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	promconfig "github.com/prometheus/common/config"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"

	"github.com/trimtab/trimtab/internal/fetch"
)

// Delegate is another metrics server. It is safe for concurrent use.
type Delegate struct {
	cfg     Config
	base    *url.URL
	http    *http.Client
	flights singleflight.Group

	mu sync.Mutex
	// rest is why the delegate is not asked until restUntil; nil when it may be asked.
	rest      *failure
	restUntil time.Time
	// custom and external are the last lists that the delegate gave; nil before the first.
	custom, external *listing
}

// New checks cfg and makes a client for it, without any request. A CA file that cannot be read is an error.
func New(cfg Config) (*Delegate, error) { return newDelegate(cfg, podToken) }

func newDelegate(cfg Config, podToken string) (*Delegate, error) {
	problems := cfg.Validate()
	if cfg.Service != nil {
		problems = append(problems, cfg.Service.Validate()...)
	}
	if err := problems.AsError(); err != nil {
		return nil, fmt.Errorf("delegate %q: %w", cfg.Name, err)
	}
	base, err := cfg.address()
	if err != nil {
		return nil, fmt.Errorf("delegate %q: the url cannot be parsed", cfg.Name)
	}
	token := cfg.BearerTokenFile
	if _, err := os.Stat(podToken); token == "" && err == nil {
		token = podToken
	}
	files := fetch.Files{CA: cfg.TLS.CAFile, ServerName: cfg.TLS.ServerName, InsecureSkipVerify: cfg.TLS.InsecureSkipVerify}
	sender, err := files.Transport()
	if err != nil {
		return nil, fmt.Errorf("delegate %q: %w", cfg.Name, err)
	}
	if token != "" {
		sender = promconfig.NewAuthorizationCredentialsRoundTripper("Bearer", fetch.File(token), sender)
	}
	// No redirect is followed: the answer is for the request that the user was authorised for.
	client := &http.Client{
		Transport:     promconfig.NewUserAgentRoundTripper("trimtab", sender),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Delegate{cfg: cfg, base: base, http: client}, nil
}

// Name is the name that the configuration gives it.
func (d *Delegate) Name() string { return d.cfg.Name }

// Serves is true if the configuration allows an API, CustomAPI or ExternalAPI.
func (d *Delegate) Serves(api string) bool { return slices.Contains(d.cfg.APIs, api) }

// CloseIdleConnections closes the connections of a delegate that is no longer used.
func (d *Delegate) CloseIdleConnections() { d.http.CloseIdleConnections() }

// Custom asks for the metric of one object, or of the objects that a selector matches. A request for one object has
// exactly one value. Callers share the list and must not change it.
//
// The bool and the error mean:
//   - true: the metric is this delegate's, and its answer counts, also an error;
//   - false without an error: the delegate does not have the metric;
//   - false with an error: nobody knows. Others may have the metric, but nobody may say that it does not exist.
//
// Every error is a *Failure. Its status is the delegate's own; else 503 without an answer, 504 where it was slow,
// 500 where it refuses trimtab.
func (d *Delegate) Custom(ctx context.Context, r Request) (*custom_metrics.MetricValueList, bool, error) {
	metric := Metric{Resource: r.Resource, Namespaced: r.Namespaced, Name: r.Metric}
	return ask(ctx, d, CustomAPI, metric, func(l *listing) (question[*custom_metrics.MetricValueList], error) {
		path, err := r.path()
		return question[*custom_metrics.MetricValueList]{
			segments: append([]string{customGroup, l.version}, path...), query: r.query(),
			read: func(body []byte) (*custom_metrics.MetricValueList, error) { return readCustom(l.version, r, body) },
		}, err
	})
}

// External asks for an external metric. Its results mean the same as Custom's. A nil selector matches all.
func (d *Delegate) External(ctx context.Context, namespace, metric string, selector labels.Selector) (*external_metrics.ExternalMetricValueList, bool, error) {
	listed := Metric{Namespaced: true, Name: metric}
	return ask(ctx, d, ExternalAPI, listed, func(l *listing) (question[*external_metrics.ExternalMetricValueList], error) {
		q := question[*external_metrics.ExternalMetricValueList]{query: url.Values{}, read: readExternal}
		addSelector(q.query, "labelSelector", selector)
		q.segments = []string{externalGroup, l.version, "namespaces", namespace, metric}
		return q, segments(namespace, metric)
	})
}

// question is one request for values.
type question[T any] struct {
	segments []string
	query    url.Values
	read     func(body []byte) (T, error)
}

// ask sends a question, in the version that the delegate serves. It sends nothing if the delegate's list answers the
// question.
func ask[T any](ctx context.Context, d *Delegate, api string, metric Metric, write func(*listing) (question[T], error)) (T, bool, error) {
	var none T
	if !d.Serves(api) {
		return none, false, nil
	}
	l, err := d.listing(ctx, api)
	if err != nil {
		return none, false, d.status(err)
	}
	if l.excludes(metric) {
		return none, false, d.stale(l)
	}
	q, err := write(l)
	if err != nil {
		return none, false, d.status(err)
	}
	path := d.base.JoinPath(append([]string{"apis"}, escaped(q.segments)...)...)
	path.RawQuery = q.query.Encode()
	value, err := d.share(ctx, path.String(), func(ctx context.Context) (any, error) { return fetched(ctx, d, path, q.read) })
	known := l.metrics[metric]
	var f *failure
	switch {
	case err == nil:
		return value.(T), true, nil
	case errors.As(err, &f) && f.unknown && !known:
		return none, false, nil
	default:
		return none, known, d.status(err)
	}
}
