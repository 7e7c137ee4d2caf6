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
	// maxRefusal is how much is read of an answer that is an error.
	maxRefusal = 64 << 10
	// maxExcerpt is how much a log of level debug repeats of an answer that is not of the API.
	maxExcerpt = 120
	// statusClosed is what Prometheus answers when it gives a query up because its client, or itself, goes away.
	statusClosed = 499
)

// refusal is the error of an answer whose status is none of success.
func (c *Client) refusal(resp *http.Response, body io.Reader, fail func(Kind, error) *Error) *Error {
	content, _ := io.ReadAll(io.LimitReader(body, maxRefusal)) // the status says enough where it breaks off
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

// isErrorType says that a server of Prometheus's API calls an error so; VictoriaMetrics writes the HTTP status. What
// such a server says of a query is worth repeating. Of any other JSON nothing is: who may name the server could
// read by trimtab what he may not read himself.
func isErrorType(name string, status int) bool {
	return name == strconv.Itoa(status) || slices.Contains([]string{
		"timeout", "canceled", "execution", "bad_data", "internal", "unavailable", "not_found", "not_acceptable",
		"too_many_requests", "too_large_entry",
	}, name)
}

// target is the server that an answer redirects to. The path is the answer's text, and not repeated.
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

// foreign tells the log how an answer began that is not of the API.
func (c *core) foreign(resp *http.Response, content []byte) {
	if !c.log.Enabled(resp.Request.Context(), slog.LevelDebug) { // to hide secrets takes time
		return
	}
	c.log.Debug("a server's answer is not of Prometheus's API", "server", resp.Request.URL.Host, "status", resp.StatusCode,
		"begins", text.Line(c.without(resp.Request, string(content[:min(len(content), maxExcerpt)]))))
}
