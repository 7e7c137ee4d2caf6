package prom

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// bodyOf is the text of an answer, decompressed, and with an error where it is larger than allowed.
func bodyOf(resp *http.Response, maxBytes int64) (io.Reader, error) {
	var body io.Reader = resp.Body
	switch encoding := resp.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		unzipped, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, sourceError{err}
		}
		body = unzipped
	default:
		return nil, fmt.Errorf("the answer is encoded as %.20q, and gzip is all that is understood", encoding)
	}
	return &bounded{src: body, left: maxBytes}, nil
}

// bounded gives errTooLarge where src has more than left bytes, at the first read after them.
type bounded struct {
	src  io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	n, err := b.src.Read(p)
	b.left -= int64(n)
	return n, err
}

const (
	// maxRefusal is how much is read of an answer that is an error.
	maxRefusal = 64 << 10
	// maxExcerpt is how much an error repeats of an answer that is not of the API.
	maxExcerpt = 120
	// statusClosed is what Prometheus answers when it gives a query up because its client, or itself, goes away.
	statusClosed = 499
)

// refusal is the error of an answer whose status is none of success.
func refusal(resp *http.Response, body io.Reader, fail func(Kind, error) *Error) *Error {
	text, _ := io.ReadAll(io.LimitReader(body, maxRefusal)) // the status says enough where it breaks off
	var answer struct {
		ErrorType string `json:"errorType"`
		Error     string `json:"error"`
	}
	cause := fmt.Errorf("HTTP %d: %s", resp.StatusCode, excerpt(resp, text))
	if json.Unmarshal(text, &answer) == nil && answer.ErrorType != "" {
		cause = fmt.Errorf("HTTP %d: %s: %s", resp.StatusCode, printable(answer.ErrorType), printable(answer.Error))
	}
	kind := BadQuery
	switch code := resp.StatusCode; {
	case answer.ErrorType == "timeout" || code == http.StatusGatewayTimeout || code == http.StatusRequestTimeout:
		kind = Timeout
	case code >= 500 || code == http.StatusTooManyRequests || code == statusClosed:
		kind = Unavailable
	case code/100 == 3:
		kind, cause = BadAnswer, fmt.Errorf("HTTP %d: it redirects to %s, and requests stay with the server of the url; set that to where the API is", code, target(resp))
	}
	e := fail(kind, cause)
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 && s < 3600 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}

// target is where an answer redirects to, without parameters.
func target(resp *http.Response) string {
	u, err := resp.Location()
	if err != nil {
		return "nowhere"
	}
	return printable((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// excerpt is enough of a foreign answer to recognise it by.
func excerpt(resp *http.Response, body []byte) string {
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	if len(line) > maxExcerpt {
		line = append(line[:maxExcerpt:maxExcerpt], "..."...)
	}
	return fmt.Sprintf("%s %q", printable(mediaType), line)
}

// maxRedirects is how many redirects of a server to itself are followed.
const maxRedirects = 5

// stay follows a redirect only where the request stays what it is: to the same server, with the same verb. The
// credentials and the tenant of one server are not for another, and a POST that became a GET has lost its query.
func stay(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || req.Method != first.Method || req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}
