package prom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base     *url.URL
	timeout  time.Duration
	maxBytes int64
	http     *http.Client
	duration *prometheus.HistogramVec
}

// Result is an answer. Warnings are what the server said of a partial one; they are never dropped.
type Result struct {
	Value    model.Value
	Warnings []string
}

// NewClient checks cfg and makes a client for it. Its latency metric is shared by all clients of reg.
func NewClient(cfg Config, reg prometheus.Registerer) (*Client, error) {
	if err := cfg.Validate().AsError(); err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	base, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("prometheus client: the url cannot be parsed")
	}
	hc, err := promconfig.NewClientFromConfig(cfg.httpConfig(), "trimtab", promconfig.WithUserAgent("trimtab"))
	if err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "trimtab_prometheus_request_duration_seconds",
		Help:    "Time until an answer of a Prometheus server was read, by API path, server and result.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"server", "path", "result"})
	var registered prometheus.AlreadyRegisteredError
	if err := reg.Register(duration); errors.As(err, &registered) {
		duration = registered.ExistingCollector.(*prometheus.HistogramVec)
	} else if err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	return &Client{base: base, timeout: cfg.Timeout.Std(), maxBytes: cfg.MaxResponseBytes, http: hc, duration: duration}, nil
}

// Server is the server's address as errors and metrics name it.
func (c *Client) Server() string {
	return c.base.Scheme + "://" + c.base.Host + strings.TrimSuffix(c.base.Path, "/")
}

// CloseIdleConnections lets go of what a client that is no longer used still holds.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// Query evaluates promql at one instant.
func (c *Client) Query(ctx context.Context, promql string, at time.Time) (Result, error) {
	return c.query(ctx, "/api/v1/query", promql, url.Values{"query": {promql}, "time": {unixMillis(at)}})
}

// QueryRange evaluates promql at each step from start to end, both included.
func (c *Client) QueryRange(ctx context.Context, promql string, start, end time.Time, step time.Duration) (Result, error) {
	return c.query(ctx, "/api/v1/query_range", promql, url.Values{
		"query": {promql}, "start": {unixMillis(start)}, "end": {unixMillis(end)},
		"step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
}

// Series lists the label sets that one of the selectors matches and that have samples in the span.
func (c *Client) Series(ctx context.Context, selectors []string, start, end time.Time) ([]model.LabelSet, error) {
	query := strings.Join(selectors, ", ")
	var sets []model.LabelSet
	_, err := c.ask(ctx, "/api/v1/series", query, url.Values{
		"match[]": selectors, "start": {unixMillis(start)}, "end": {unixMillis(end)},
	}, &sets)
	return sets, err
}

func (c *Client) query(ctx context.Context, path, promql string, form url.Values) (Result, error) {
	var data struct {
		Type   model.ValueType `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	warnings, err := c.ask(ctx, path, promql, form, &data)
	if err != nil {
		return Result{}, err
	}
	var value model.Value
	switch data.Type {
	case model.ValVector:
		value = new(model.Vector)
	case model.ValMatrix:
		value = new(model.Matrix)
	case model.ValScalar:
		value = new(model.Scalar)
	case model.ValString:
		value = new(model.String)
	default:
		return Result{}, c.fail(BadAnswer, promql, fmt.Errorf("unknown result type %q", data.Type))
	}
	if err := json.Unmarshal(data.Result, value); err != nil {
		return Result{}, c.fail(BadAnswer, promql, fmt.Errorf("a %s that cannot be read: %w", data.Type, err))
	}
	switch v := value.(type) {
	case *model.Vector:
		value = *v
	case *model.Matrix:
		value = *v
	}
	return Result{Value: value, Warnings: warnings}, nil
}

// envelope is what stands around every answer of the API.
type envelope struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data"`
	ErrorType string          `json:"errorType"`
	Error     string          `json:"error"`
	Warnings  []string        `json:"warnings"`
}

// ask sends one request and decodes the data of its answer into data.
func (c *Client) ask(ctx context.Context, path, query string, form url.Values, data any) (warnings []string, err error) {
	began := time.Now()
	defer func() {
		result := "ok"
		if kind, failed := KindOf(err); failed {
			result = string(kind)
		}
		c.duration.WithLabelValues(c.Server(), path, result).Observe(time.Since(began).Seconds())
	}()
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	form.Set("timeout", strconv.FormatFloat(c.timeout.Seconds(), 'f', -1, 64)+"s")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(path).String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, c.fail(BadQuery, query, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// A query changes nothing: it may be sent again when the server closed a kept connection under it.
	// An empty value tells the transport so and is not sent.
	req.Header["X-Idempotency-Key"] = nil
	resp, err := c.http.Do(req)
	if err != nil {
		kind, cause := transportError(err)
		return nil, c.fail(kind, query, cause)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBytes+1))
	if err != nil {
		kind, cause := transportError(err)
		return nil, c.fail(kind, query, cause)
	}
	if int64(len(body)) > c.maxBytes {
		return nil, c.fail(TooLarge, query, fmt.Errorf("the answer is larger than %d bytes", c.maxBytes))
	}
	return c.decode(resp, body, query, data)
}

// decode tells an answer from a refusal from something that is neither.
func (c *Client) decode(resp *http.Response, body []byte, query string, data any) ([]string, error) {
	var answer envelope
	isJSON := json.Unmarshal(body, &answer) == nil && answer.Status != ""
	if resp.StatusCode/100 != 2 {
		return nil, c.refusal(resp, answer, isJSON, body, query)
	}
	if !isJSON {
		return nil, c.fail(BadAnswer, query, fmt.Errorf("not JSON of Prometheus's API: %s", excerpt(resp, body)))
	}
	if answer.Status != "success" {
		return nil, c.fail(BadQuery, query, fmt.Errorf("%s: %s", answer.ErrorType, answer.Error))
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		return nil, c.fail(BadAnswer, query, fmt.Errorf("data that cannot be read: %w", err))
	}
	return answer.Warnings, nil
}

func (c *Client) refusal(resp *http.Response, answer envelope, isJSON bool, body []byte, query string) error {
	cause := fmt.Errorf("HTTP %d: %s", resp.StatusCode, excerpt(resp, body))
	if isJSON {
		cause = fmt.Errorf("HTTP %d: %s: %s", resp.StatusCode, answer.ErrorType, answer.Error)
	}
	kind := BadQuery
	switch {
	case answer.ErrorType == "timeout" || resp.StatusCode == http.StatusGatewayTimeout:
		kind = Timeout
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		kind = Unavailable
	}
	e := c.fail(kind, query, cause)
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 && s < 3600 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}

func (c *Client) fail(kind Kind, query string, err error) *Error {
	return &Error{Kind: kind, Server: c.Server(), Query: query, Err: err}
}

// excerpt is enough of a foreign answer to recognise it by.
func excerpt(resp *http.Response, body []byte) string {
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	if len(line) > 120 {
		line = append(line[:120:120], "..."...)
	}
	return fmt.Sprintf("%s %q", mediaType, line)
}

func unixMillis(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
