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
	// rest is why the delegate is left alone until restUntil; nil when it is not.
	rest      *failure
	restUntil time.Time
	// custom and external are what it said that it serves; nil until it said so once.
	custom, external *listing
}

// New checks cfg and makes a client for it; nothing is asked yet. A CA file that cannot be read is an error.
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

// Serves says that the configuration lets it be asked for an API, CustomAPI or ExternalAPI.
func (d *Delegate) Serves(api string) bool { return slices.Contains(d.cfg.APIs, api) }

// CloseIdleConnections lets go of what a delegate that is no longer used still holds.
func (d *Delegate) CloseIdleConnections() { d.http.CloseIdleConnections() }

// Custom asks for the metric of one object, or of those that a selector matches. A metric's one object has
// exactly one value. Callers share the list: none may change it.
//
// The bool says whether the metric is this delegate's. With true the answer counts, also where it is an error.
// With false and no error it does not know the metric; with false and an error nobody can tell: others may still
// know the metric, but it must not be said not to exist. Every error is a *Failure, whose status is the delegate's
// own, or 503 where it gave none, 504 where it was slow, 500 where it refuses trimtab.
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

// External asks for an external metric; what it returns is as of Custom. A nil selector matches all.
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

// ask puts a question, written for what the delegate serves, unless that tells the answer already.
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
