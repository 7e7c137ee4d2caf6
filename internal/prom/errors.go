package prom

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

// Kind says what sort of failure an Error was, and so what may help.
type Kind string

const (
	// Unavailable: the server did not answer, or said that it cannot now (5xx, 429). Ask again later.
	Unavailable Kind = "unavailable"
	// Timeout: no answer within the time allowed, or the server gave the query up. Ask again later.
	Timeout Kind = "timeout"
	// BadQuery: the server refused the request (4xx). Asking again will not help.
	BadQuery Kind = "bad_query"
	// BadAnswer: what came back is not an answer of Prometheus's API.
	BadAnswer Kind = "bad_answer"
	// TooLarge: the answer is larger than allowed.
	TooLarge Kind = "too_large"
)

// Error is every error that Client returns. It holds no credential.
type Error struct {
	Kind Kind
	// Server is the scheme, host and path of the server.
	Server string
	// Query is the PromQL or the selectors asked for.
	Query string
	// RetryAfter is what the server asked for; 0 where it did not.
	RetryAfter time.Duration
	Err        error
}

func (e *Error) Error() string {
	return fmt.Sprintf("query %q at %s: %s: %v", e.Query, e.Server, e.Kind, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, and false when it is no Error.
func KindOf(err error) (Kind, bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind, true
	}
	return "", false
}

// transportError sorts an error of the HTTP client and takes the URL, which may be long, out of it.
func transportError(err error) (Kind, error) {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	var netErr net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout() {
		return Timeout, errors.New("no answer within the time-out")
	}
	return Unavailable, err
}
