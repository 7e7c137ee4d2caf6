package prom

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/text"
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

// failsOver says that another server with the same data may do better.
func (k Kind) failsOver() bool { return k == Unavailable || k == Timeout || k == BadAnswer }

// Error is every error that Client returns. It holds no credential.
type Error struct {
	Kind Kind
	// Server is the scheme, host and path of the server, of several the one asked last.
	Server string
	// Query is the PromQL or the selectors asked for.
	Query string
	// RetryAfter is what the server asked for; 0 where it did not.
	RetryAfter time.Duration
	Err        error
	// Earlier are the failures of the servers asked before, in that order.
	Earlier []*Error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "query %s", text.QuoteTo(e.Query, maxQuery))
	for _, earlier := range e.Earlier {
		fmt.Fprintf(&b, " at %s: %s: %v, then", earlier.Server, earlier.Kind, earlier.Err)
	}
	fmt.Fprintf(&b, " at %s: %s: %v", e.Server, e.Kind, e.Err)
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// maxQuery is how much of a query an error repeats, so that the cause behind it is read too.
const maxQuery = 300

// KindOf returns the kind of err, and false when it is no Error.
func KindOf(err error) (Kind, bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind, true
	}
	return "", false
}

// sourceError is a failure of the connection, not of what was read from it.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }

// readError sorts an error met while an answer was read, to a request that ends with ctx. Where it has ended, net/http may
// give the closed connection instead of that.
func readError(ctx context.Context, err error, maxBytes int64) (Kind, error) {
	var source sourceError
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, fetch.ErrTooLarge):
		return TooLarge, fmt.Errorf("the answer is larger than %d bytes (maxResponseBytes)", maxBytes)
	case errors.Is(err, fetch.ErrEncoding):
		return BadAnswer, fetch.ErrEncoding
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return BadAnswer, fmt.Errorf("the answer cannot be decompressed: %w", err)
	case errors.As(err, &source) && ctx.Err() != nil:
		return transportError(fetch.WithoutAnswer(ctx.Err()))
	case errors.As(err, &source):
		return transportError(fetch.WithoutAnswer(source.error))
	default:
		return BadAnswer, fmt.Errorf("it cannot be read: %w", err)
	}
}

// transportError sorts an error of the HTTP client and takes the URL, which may hold a secret, out of it.
func transportError(err error) (Kind, error) {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	var netErr net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout() {
		return Timeout, errors.New("no answer within the time-out")
	}
	if said := err.Error(); said != text.Line(said) {
		err = errors.New(text.Line(said))
	}
	return Unavailable, err
}
