package offline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Answer is the result of one request.
type Answer struct {
	Get string `json:"get"`
	// Status is the HTTP status.
	Status int `json:"status"`
	// Queries are the PromQL texts that were sent for the request, in order; none if it was answered from memory.
	Queries []string `json:"queries"`
	// Why says what is missing or unusual in a good answer: the adapter's verdict. For a refusal it is the cause, which
	// the client does not read. Empty otherwise.
	Why string `json:"why,omitempty"`
	// Body is the API's answer; a string where it is not JSON.
	Body json.RawMessage `json:"body"`
	// Differences from the wanted answer; nil if none is wanted.
	Differences []string `json:"differences,omitempty"`
}

// Passed is true if the answer is as wanted, or if no answer is wanted.
func (a Answer) Passed() bool { return len(a.Differences) == 0 }

// Items are the values of the answer, or else the message of the refusal.
func (a Answer) Items() (items []Item, message string) { return itemsOf(a.Body) }

// Ask makes the requests one after the other. asked returns the queries since its last call, and the verdict of the
// request. The error is the error of a ctx that ended before all requests were made.
func (c *Case) Ask(ctx context.Context, handler http.Handler, asked func() (queries []string, why string)) ([]Answer, error) {
	answers := make([]Answer, 0, len(c.Requests))
	for i := range c.Requests {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("requests[%d]: %w", i, err)
		}
		a, err := get(ctx, handler, &c.Requests[i])
		if err != nil {
			return nil, fmt.Errorf("requests[%d]: %w", i, err)
		}
		var queries []string
		queries, a.Why = asked()
		a.Queries = append([]string{}, queries...)
		if want := c.Requests[i].Want; want != nil {
			a.Differences = want.differences(a)
		}
		answers = append(answers, a)
	}
	return answers, nil
}

func get(ctx context.Context, handler http.Handler, r *Request) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://simulated"+r.Get, nil)
	if err != nil {
		return Answer{}, err
	}
	request.RequestURI = r.Get
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "trimtab-simulate")
	var answered response
	handler.ServeHTTP(&answered, request)
	a := Answer{Get: r.Get, Status: max(answered.status, http.StatusOK)}
	var compact bytes.Buffer
	if json.Compact(&compact, answered.body.Bytes()) == nil {
		a.Body = compact.Bytes()
		return a, nil
	}
	a.Body, err = json.Marshal(answered.body.String())
	return a, err
}

// response records an answer.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *response) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

func (r *response) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
}

func (r *response) Write(data []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(data)
}
