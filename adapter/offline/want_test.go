package offline

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/config"
)

const customList = `{"kind":"MetricValueList","items":[
	{"describedObject":{"kind":"Pod","namespace":"prod","name":"a","apiVersion":"/v1"},"metricName":"m","value":"1"},
	{"describedObject":{"kind":"Pod","namespace":"prod","name":"b","apiVersion":"/v1"},"metric":{"name":"m"},"value":"2500m"}]}`

// What is wanted, in the notation of a file, against an answer.
func TestDifferences(t *testing.T) {
	t.Parallel()
	const (
		external = `{"kind":"ExternalMetricValueList","items":[{"metricName":"q","metricLabels":{"name":"orders"},"value":"7"},{"metricName":"q","metricLabels":{"name":"mails"},"value":"8"}]}`
		pods     = `{"kind":"PodMetricsList","items":[{"metadata":{"name":"a","namespace":"prod"},"containers":[{"name":"web","usage":{"cpu":"250m","memory":"1Mi"}},{"name":"log","usage":{"cpu":"1m","memory":"2Mi"}}]}]}`
		node     = `{"kind":"NodeMetrics","metadata":{"name":"n1"},"usage":{"cpu":"2","memory":"4Gi"}}`
		listed   = `{"kind":"APIResourceList","resources":[{"name":"pods/m"},{"name":"namespaces/m"}]}`
		refused  = `{"kind":"Status","message":"the server could not find the metric","code":404}`
	)
	for _, c := range []struct{ want, body, differences string }{
		{"{}", customList, ""},
		{"{status: 200, items: [{object: b, value: 2.5}, {object: a, value: 1000m}]}", customList, ""},
		{"{items: [{object: a, namespace: prod, metric: m, value: 1e0}, {value: 2500m}]}", customList, ""},
		{"{items: [{}, {}]}", customList, ""},
		{"{items: []}", customList, "items: there, but not wanted: {object: a, namespace: prod, metric: m, value: 1}\nitems: there, but not wanted: {object: b, namespace: prod, metric: m, value: 2500m}"},
		{"{items: [{object: a, value: 2}, {object: c, value: 3}]}", customList,
			"items:\n  got  {object: a, namespace: prod, metric: m, value: 1}\n  want {object: a, value: 2}\nitems: not there: {object: c, value: 3}\nitems: there, but not wanted: {object: b, namespace: prod, metric: m, value: 2500m}"},
		{"{items: [{object: a, value: 1}, {object: a, value: 1}]}", customList, "items: not there: {object: a, value: 1}\nitems: there, but not wanted: {object: b, namespace: prod, metric: m, value: 2500m}"},
		{"{items: [{labels: {name: mails}, value: 8}, {labels: {name: orders}, value: 7}]}", external, ""},
		{"{items: [{labels: {}, value: 8}, {labels: {name: orders}, value: 8}]}", external,
			"items: not there: {labels: {}, value: 8}\nitems:\n  got  {metric: q, labels: {name: orders}, value: 7}\n  want {labels: {name: orders}, value: 8}\nitems: there, but not wanted: {metric: q, labels: {name: mails}, value: 8}"},
		{"{items: [{object: a, containers: [{name: log, memory: 2048Ki}, {name: web, cpu: 0.25}]}]}", pods, ""},
		{"{items: [{object: a, containers: [{name: web}]}]}", pods,
			"items:\n  got  {object: a, namespace: prod, containers: [{name: web, cpu: 250m, memory: 1Mi}, {name: log, cpu: 1m, memory: 2Mi}]}\n  want {object: a, containers: [{name: web}]}"},
		{"{items: [{object: n1, cpu: 2000m, memory: 4096Mi}]}", node, ""},
		{"{items: [{object: n1, cpu: 3}]}", node, "items:\n  got  {object: n1, cpu: 2, memory: 4Gi}\n  want {object: n1, cpu: 3}"},
		{"{items: [{object: namespaces/m}, {object: pods/m}]}", listed, ""},
		{"{status: 200, items: [{object: a}]}", refused, "status: got 404, want 200: \"the server could not find the metric\"\nitems: not there: {object: a}"},
		{"{status: 404, items: []}", refused, ""},
		{"{status: 200}", `"plain text"`, "status: got 404, want 200: \"plain text\""},
		{"{queries: [one, two]}", customList, ""},
		{"{queries: [one]}", customList, "queries[1]: asked, but not wanted: two"},
		{"{queries: []}", customList, "queries[0]: asked, but not wanted: one\nqueries[1]: asked, but not wanted: two"},
		{"{queries: [two, one]}", pods, ""},
		{"{queries: [three, one]}", pods, "queries[1]:\n  got  two\n  want three"},
		{"{queries: [\"two\\nlines\", two]}", customList, "queries[0]:\n  got  one\n  want two\\nlines"},
		{"{queries: [two, one]}", customList, "queries[0]:\n  got  one\n  want two\nqueries[1]:\n  got  two\n  want one"},
		{"{queries: [two, two, three]}", customList, "queries[0]:\n  got  one\n  want two\nqueries[2]: not asked: three"},
	} {
		var want Want
		if err := config.Decode("f", []byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		answer := Answer{Status: 200, Queries: []string{"one", "two"}, Body: []byte(c.body)}
		if c.body == pods {
			answer.Get = "/apis/metrics.k8s.io/v1beta1/pods"
		}
		if c.body == refused || strings.HasPrefix(c.body, `"`) {
			answer.Status = 404
		}
		if got := strings.Join(want.differences(answer), "\n"); got != c.differences {
			t.Errorf("%s\n got: %s\nwant: %s", c.want, got, c.differences)
		}
	}
}

// An item is printed as it could stand in a file, whatever is in it.
func TestItemsReadAsTheyPrint(t *testing.T) {
	t.Parallel()
	for _, item := range []Item{
		{}, {Object: "a", Value: "1"}, {Object: `"quotes", and: {signs}`, Namespace: "-"}, {Labels: map[string]string{}},
		{Labels: map[string]string{"a b": "c\nd", "e": "", "x": "yes", "ü": "ü"}}, {Object: "n", CPU: "1", Memory: "2Gi"},
		{Object: "p", Containers: []Container{{"web", "1", "2"}, {Name: "log"}}}, {Containers: []Container{}},
	} {
		var again Item
		if err := config.Decode("f", []byte(item.String()), &again); err != nil || fmt.Sprintf("%#v", again) != fmt.Sprintf("%#v", item) {
			t.Errorf("%s reads as %s (%v)", item, again, err)
		}
	}
}

// Ask makes each request as a client does, and keeps what came back and what was asked meanwhile.
func TestAsk(t *testing.T) {
	t.Parallel()
	const path = "/apis/custom.metrics.k8s.io/v1beta1"
	var asked []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("labelSelector"))
		switch r.URL.Path {
		case path:
			_, _ = w.Write([]byte(" {\n \"kind\": \"x\" } "))
		case path + "/text":
			w.WriteHeader(http.StatusContinue)
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte("plain"))
		default:
			w.Header().Set("X", "y")
		}
	})
	c, err := Decode("f", []byte(`{rulesFile: x, requests: [{get: '`+path+`?labelSelector=a%3Db%20c', want: {status: 404}}, {get: '`+path+`/text'}, {get: '`+path+`/empty', want: {status: 200, queries: ['']}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	answers, err := c.Ask(t.Context(), handler, func() ([]string, string) {
		taken := slices.Clone(asked)
		asked = nil
		return taken, "odd"
	})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, a := range answers {
		fmt.Fprintf(&got, "%d %q %s%s %t\n", a.Status, a.Queries, a.Body, a.Why, a.Passed())
	}
	if want := "200 [\"a=b c\"] {\"kind\":\"x\"}odd false\n418 [\"\"] \"plain\"odd true\n200 [\"\"] \"\"odd true\n"; got.String() != want {
		t.Errorf("got\n%swant\n%s", &got, want)
	}
}
