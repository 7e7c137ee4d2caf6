package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// answer is what a program makes of a request.
type answer struct {
	status int
	// queries are the PromQL texts that it sent to Prometheus, sorted.
	queries []string
	// items are the objects of the answer, each as JSON without its times; none for an error. Where no order
	// is promised they are sorted.
	items []string
	// message is that of an error.
	message string
}

func (a *answer) read(body []byte) error {
	if a.status != http.StatusOK {
		var status struct{ Message string }
		if json.Unmarshal(body, &status) != nil {
			status.Message = string(body)
		}
		a.message = status.Message
		return nil
	}
	var document map[string]any
	if err := json.Unmarshal(body, &document); err != nil {
		return fmt.Errorf("the answer is not JSON: %w: %.200s", err, body)
	}
	objects := []any{document}
	ordered := true
	for _, list := range []string{"items", "resources", "rows"} {
		if items, ok := document[list].([]any); ok {
			objects = items
			ordered = list == "items" && !strings.HasPrefix(fmt.Sprint(document["apiVersion"]), "external.metrics.k8s.io")
		}
	}
	for _, o := range objects {
		text, err := json.Marshal(withoutTimes(o))
		if err != nil {
			return err
		}
		a.items = append(a.items, string(text))
	}
	if !ordered {
		slices.Sort(a.items)
	}
	return nil
}

// withoutTimes takes off what depends on the moment, and sorts the containers of a pod, which have no order.
func withoutTimes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "timestamp")
		delete(v, "creationTimestamp")
		for key, inner := range v {
			v[key] = withoutTimes(inner)
		}
		if containers, ok := v["containers"].([]any); ok {
			slices.SortFunc(containers, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	case []any:
		for i := range v {
			v[i] = withoutTimes(v[i])
		}
	}
	return v
}

func (a answer) equal(b answer) bool {
	return a.status == b.status && slices.Equal(a.queries, b.queries) && slices.Equal(a.items, b.items)
}

func (a answer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", a.status, a.message)
	for _, q := range a.queries {
		fmt.Fprintf(&b, "    query %s\n", q)
	}
	for _, i := range a.items {
		fmt.Fprintf(&b, "    item  %s\n", i)
	}
	return b.String()
}

// exchange is a request with both answers.
type exchange struct {
	path           string
	original, ours answer
}

func (x exchange) String() string {
	return fmt.Sprintf("%s\n  original: %s  ours:     %s", x.path, x.original, x.ours)
}
