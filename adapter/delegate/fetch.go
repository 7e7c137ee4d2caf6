package delegate

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/trimtab/trimtab/internal/fetch"
)

const (
	// maxBytes bounds how much of an answer is read.
	maxBytes = 8 << 20
	// restFor is how long a delegate that did not answer is not asked.
	restFor = time.Second
)

// share runs f once for all callers with the same key at the same time. A caller that gives up does not stop f for the
// others. f ends by the time-out of its requests.
func (d *Delegate) share(ctx context.Context, key string, f func(context.Context) (any, error)) (any, error) {
	flight := d.flights.DoChan(key, func() (any, error) { return f(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return nil, slow("no answer yet when the request was given up: %v", ctx.Err())
	case answer := <-flight:
		return answer.Val, answer.Err
	}
}

// fetched reads the answer to one GET. A delegate without an answer is not asked again for a while.
func fetched[T any](ctx context.Context, d *Delegate, u *url.URL, read func(body []byte) (T, error)) (T, error) {
	var value T
	if f := d.resting(); f != nil {
		return value, f
	}
	body, err := d.get(ctx, u)
	if err == nil {
		value, err = read(body)
	}
	var f *failure
	if errors.As(err, &f) && f.silent {
		d.mu.Lock()
		d.rest, d.restUntil = f, time.Now().Add(restFor)
		d.mu.Unlock()
	}
	return value, err
}

// resting is the failure for which the delegate is not asked; nil when it may be asked.
func (d *Delegate) resting() *failure {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rest == nil || !time.Now().Before(d.restUntil) {
		return nil
	}
	f := *d.rest
	f.message, f.silent, f.answered = "not asked again so soon: "+f.message, false, 0
	return &f
}

// get returns the body of an answer 200; the error is a *failure.
func (d *Delegate) get(ctx context.Context, u *url.URL) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout.Std())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, unreached(err, d.cfg.Timeout.Std())
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set(Header, "1")
	resp, err := d.http.Do(req)
	if err != nil {
		return nil, unreached(err, d.cfg.Timeout.Std())
	}
	defer resp.Body.Close()
	body, err := fetch.ReadBody(resp, maxBytes)
	if ctx.Err() != nil {
		err = ctx.Err() // without this, an answer cut off because the client went away would look complete
	}
	switch {
	case errors.Is(err, fetch.ErrTooLarge):
		f := wrong("answers more than %d bytes", maxBytes)
		f.answered = resp.StatusCode
		return nil, f
	case err != nil:
		return nil, unreached(err, d.cfg.Timeout.Std())
	case resp.StatusCode != http.StatusOK:
		return nil, refusal(resp, body)
	default:
		return body, nil
	}
}
