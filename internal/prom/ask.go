package prom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/text"
)

// call is one request.
type call struct {
	// path is escaped. route is its name in metrics.
	path, route string
	verb        string
	// query is its name in errors.
	query string
	form  url.Values
}

// ask sends a call to the servers in turn until one answers or refuses it, and returns which server that was. read
// reads the data of an answer. If read or the answer fails, what was read is not used.
func (c *Client) ask(ctx context.Context, q call, read func(*decoder) error) (envelope, string, error) {
	if c.refused != nil {
		return envelope{}, "", &Error{Kind: BadQuery, Server: c.Server(), Query: q.query, Err: c.refused}
	}
	var tried []*endpoint
	var earlier []*Error
	for {
		e := c.core.fleet.next(tried, c.core.now())
		answer, failed := c.attempt(ctx, e, q, read)
		if failed == nil {
			return answer, e.name, nil
		}
		failed.Earlier = earlier
		tried, earlier = append(tried, e), append(earlier, failed)
		if !failed.Kind.failsOver() || ctx.Err() != nil || len(tried) == len(c.core.fleet.endpoints) {
			return envelope{}, e.name, failed
		}
	}
}

// attempt asks one server, and records its health.
func (c *Client) attempt(ctx context.Context, e *endpoint, q call, read func(*decoder) error) (envelope, *Error) {
	fail := func(kind Kind, err error) *Error { return &Error{Kind: kind, Server: e.name, Query: q.query, Err: err} }
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, c.core.timeout)
	defer cancel()
	if err := e.enter(ctx, c.core.metrics); err != nil {
		c.core.fleet.note(e, func(h health) health { return h.untold(c.core.now()) })
		if errors.Is(err, context.DeadlineExceeded) {
			return envelope{}, fail(Timeout, fmt.Errorf("no answer within the time-out, in which %d other requests were in flight (maxConcurrent)", cap(e.slots)))
		}
		return envelope{}, fail(Unavailable, err)
	}
	defer e.leave()
	if !e.base.Query().Has("timeout") {
		q.form.Set("timeout", c.core.limit(outer))
	}
	began := c.core.now()
	answer, failed := c.send(ctx, e, q, read, fail)
	now := c.core.now()
	outcome := "ok"
	if failed != nil {
		outcome = string(failed.Kind)
	}
	c.core.metrics.answered(e.name, q.route, outcome, now.Sub(began))
	c.noteHealth(outer, e, failed, began, now)
	return answer, failed
}

// noteHealth notes what a request told of its server. One that its caller gave up at once tells nothing.
func (c *Client) noteHealth(caller context.Context, e *endpoint, failed *Error, began, now time.Time) {
	spent := now.Sub(began)
	switch {
	case failed == nil || !failed.Kind.failsOver():
		c.core.metrics.found(e.name, true)
		c.core.fleet.note(e, func(health) health { return health{} })
	case caller.Err() != nil && spent < min(patience, c.core.timeout), errors.Is(caller.Err(), context.Canceled):
		c.core.fleet.note(e, func(h health) health { return h.untold(now) })
	default:
		c.core.metrics.found(e.name, false)
		c.core.fleet.note(e, func(h health) health { return h.failed(began, now, failed.RetryAfter) })
	}
}

// send sends the request and reads the answer.
func (c *Client) send(ctx context.Context, e *endpoint, q call, read func(*decoder) error, fail func(Kind, error) *Error) (envelope, *Error) {
	req, err := e.request(ctx, q.verb, q.path, q.form)
	if err != nil {
		return envelope{}, fail(BadQuery, errors.New("the request cannot be made")) // the error would print the url
	}
	if c.tenant != "" {
		req.Header.Set(c.core.tenant.Header, c.tenant)
	}
	resp, err := c.core.http.Do(req)
	if err != nil {
		if c.core.log.Enabled(ctx, slog.LevelDebug) { // hiding secrets takes time
			c.core.log.Debug("a request to a server failed", "server", e.name, "error", text.Line(c.core.without(req, fetch.Cause(err).Error())))
		}
		return envelope{}, fail(transportError(err))
	}
	defer resp.Body.Close()
	if resp.Request != nil {
		req = resp.Request // with the headers of the transports
	}
	failed := fail
	fail = func(kind Kind, err error) *Error {
		said := err.Error()
		if hidden := c.core.without(req, said); hidden != said {
			err = errors.New(hidden)
		}
		return failed(kind, err)
	}
	body, err := fetch.Body(resp, c.core.maxBytes)
	if err != nil {
		return envelope{}, fail(readError(ctx, sourceError{err}, c.core.maxBytes))
	}
	if resp.StatusCode/100 != 2 {
		return envelope{}, c.refusal(resp, body, fail)
	}
	d := c.core.decoders.take()
	defer c.core.decoders.giveBack(d)
	d.reset(body)
	answer, err := d.envelope(func() error { return read(d) })
	switch {
	case errors.Is(err, errForeign):
		c.core.foreign(resp, d.head)
		return envelope{}, fail(BadAnswer, fmt.Errorf("%w: %s", err, fetch.Shape(resp)))
	case errors.Is(err, errSeveralRows), errors.Is(err, errNoVector):
		return envelope{}, fail(BadQuery, err)
	case err != nil:
		kind, err := readError(ctx, err, c.core.maxBytes)
		return envelope{}, fail(kind, err)
	case answer.status == "error" && isErrorType(answer.errorType, resp.StatusCode):
		return envelope{}, fail(BadQuery, fmt.Errorf("%s: %s", answer.errorType, text.Line(answer.message)))
	case answer.status != "success":
		c.core.foreign(resp, d.head)
		return envelope{}, fail(BadAnswer, fmt.Errorf("%w: its status is neither success nor a known error", errForeign))
	}
	if len(answer.warnings) > 0 {
		answer.warnings = c.core.credentials(req).HideEach(answer.warnings)
	}
	return answer, nil
}

// credentials are what was sent with req and an answer may repeat: in its headers, whoever set them, and in the
// parameters of the servers' urls.
func (c *core) credentials(req *http.Request) *text.Secrets {
	open := []string{"Accept", "Accept-Encoding", "Content-Type", "Referer", "User-Agent"}
	if c.tenant != nil {
		open = append(open, http.CanonicalHeaderKey(c.tenant.Header))
	}
	sent := text.Sent(req.Header, open...)
	for _, e := range c.fleet.endpoints {
		for name, values := range e.base.Query() {
			if sent.Add(values...); slices.Contains(values, "") { // a single token, or a token that ends in the = of base64
				sent.Add(name)
			}
		}
	}
	return sent
}

// without removes the credentials that were sent with req from a text of its answer.
func (c *core) without(req *http.Request, said string) string { return c.credentials(req).Hide(said) }

// limit is the time limit for the server, as the API's parameter timeout: the client's own, or less if the caller's
// deadline is earlier.
func (c *core) limit(caller context.Context) string {
	limit := c.timeout
	if deadline, ok := caller.Deadline(); ok && time.Until(deadline) < limit {
		limit = max(time.Until(deadline), 0).Truncate(time.Millisecond) + time.Millisecond
	}
	return strconv.FormatFloat(limit.Seconds(), 'f', -1, 64) + "s"
}
