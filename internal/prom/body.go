package prom

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/text"
)

const (
	// maxRefusal bounds how much of an error's answer is read.
	maxRefusal = 64 << 10
	// maxExcerpt bounds how much of a foreign answer a log at level debug repeats.
	maxExcerpt = 120
	// statusClosed is Prometheus's status for a query that it stops because its client disconnected or because it ends.
	statusClosed = 499
)

// refusal is the error of an answer without a status of success.
func (c *Client) refusal(resp *http.Response, body io.Reader, fail func(Kind, error) *Error) *Error {
	content, _ := io.ReadAll(io.LimitReader(body, maxRefusal)) // if it breaks off, the status is enough
	var answer struct {
		Status    string `json:"status"`
		ErrorType string `json:"errorType"`
		Error     string `json:"error"`
	}
	cause := fmt.Errorf("HTTP %d: %s, where JSON of Prometheus's API is expected", resp.StatusCode, fetch.Shape(resp))
	if json.Unmarshal(content, &answer) == nil && answer.Status == "error" && isErrorType(answer.ErrorType, resp.StatusCode) {
		cause = fmt.Errorf("HTTP %d: %s: %s", resp.StatusCode, answer.ErrorType, text.Line(answer.Error))
	} else {
		answer.ErrorType = ""
		c.core.foreign(resp, content)
	}
	kind := BadQuery
	switch code := resp.StatusCode; {
	case answer.ErrorType == "timeout" || code == http.StatusGatewayTimeout || code == http.StatusRequestTimeout:
		kind = Timeout
	case code >= 500 || code == http.StatusTooManyRequests || code == statusClosed:
		kind = Unavailable
	case code/100 == 3:
		kind, cause = BadAnswer, fmt.Errorf("HTTP %d: it redirects to %s, and requests stay with the server and path of the url; set that to where the API is", code, target(resp))
	}
	e := fail(kind, cause)
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 && s < 3600 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}

// isErrorType is true for an error type of Prometheus's API; VictoriaMetrics writes the HTTP status instead. Only
// messages of such a server are repeated. Other JSON is not: users who may name the server could use trimtab to read
// what they must not read.
func isErrorType(name string, status int) bool {
	return name == strconv.Itoa(status) || slices.Contains([]string{
		"timeout", "canceled", "execution", "bad_data", "internal", "unavailable", "not_found", "not_acceptable",
		"too_many_requests", "too_large_entry",
	}, name)
}

// target is the server of a redirect. The path is a text of the answer and is not repeated.
func target(resp *http.Response) string {
	u, err := resp.Location()
	switch {
	case err != nil:
		return "nowhere"
	case u.Scheme == resp.Request.URL.Scheme && u.Host == resp.Request.URL.Host:
		return "another place on the same server"
	default:
		return text.Line(u.Scheme + "://" + u.Host)
	}
}

// foreign logs the start of an answer that is not of the API.
func (c *core) foreign(resp *http.Response, content []byte) {
	if !c.log.Enabled(resp.Request.Context(), slog.LevelDebug) { // hiding secrets takes time
		return
	}
	c.log.Debug("a server's answer is not of Prometheus's API", "server", resp.Request.URL.Host, "status", resp.StatusCode,
		"begins", text.Line(c.without(resp.Request, string(content[:min(len(content), maxExcerpt)]))))
}
