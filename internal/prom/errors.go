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

// Kind is the kind of an Error, which says what may help.
type Kind string

const (
	// Unavailable: the server did not answer, or said that it cannot answer now (5xx, 429). Ask again later.
	Unavailable Kind = "unavailable"
	// Timeout: no answer in time, or the server stopped the query. Ask again later.
	Timeout Kind = "timeout"
	// BadQuery: the server refused the request (4xx). Asking again will not help.
	BadQuery Kind = "bad_query"
	// BadAnswer: the answer is not in the format of Prometheus's API.
	BadAnswer Kind = "bad_answer"
	// TooLarge: the answer is larger than allowed.
	TooLarge Kind = "too_large"
)

// failsOver is true if another server with the same data may help.
func (k Kind) failsOver() bool { return k == Unavailable || k == Timeout || k == BadAnswer }

// Error is every error that Client returns. It holds no credential.
type Error struct {
	Kind Kind
	// Server is the scheme, host and path of the server; of several, the last one.
	Server string
	// Query is the PromQL or the selectors of the request.
	Query string
	// RetryAfter is the server's Retry-After; 0 without one.
	RetryAfter time.Duration
	Err        error
	// Earlier are the failures of the servers that were asked before, in order.
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

// maxQuery bounds the query in an error, so that the cause after it is not cut off.
const maxQuery = 300

// KindOf returns the kind of err, and false when it is no Error.
func KindOf(err error) (Kind, bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind, true
	}
	return "", false
}

// sourceError is a failure of the connection, not of the text that was read.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }

// readError classifies an error of reading an answer. The request ends with ctx. If ctx has ended, net/http may report
// a closed connection instead.
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

// transportError classifies an error of the HTTP client and removes the URL, which may contain a secret.
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
