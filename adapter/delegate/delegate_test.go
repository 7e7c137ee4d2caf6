package delegate

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/api/apitest"
)

func selector(t *testing.T, text string) labels.Selector {
	t.Helper()
	s, err := labels.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// statusOf is the code that the client reads; 200 for no error.
func statusOf(err error) int {
	var status *apierrors.StatusError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &status):
		return int(status.ErrStatus.Code)
	default:
		return 0
	}
}

func pods(metric string) Request {
	return Request{Resource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Namespace: "prod", Metric: metric, Name: "a"}
}

// Every shape of request reaches the server behind as it was meant, and every part of a value comes back, by either
// version of the API.
func TestCustomMetrics(t *testing.T) {
	t.Parallel()
	server := &adapter{}
	current := serve(t, server, server)
	for version, cfg := range map[string]Config{"v1beta2": current, "v1beta1": old(t, current)} {
		d := start(t, cfg)
		for _, c := range []struct {
			name    string
			request Request
			asked   string
			items   int
		}{
			{"by name", pods("rps"), "one prod/a pods/rps(namespaced) ", 1},
			{"selectors", Request{
				Resource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Namespace: "prod", Metric: "rps",
				Selector: selector(t, "app in (x, y),tier!=z"), MetricSelector: selector(t, "code=500"),
			}, "many prod pods/rps(namespaced) app in (x,y),tier!=z code=500", 2},
			{"the star", Request{Resource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Namespace: "prod", Metric: "rps", Name: "*"}, "many prod pods/rps(namespaced)  ", 2},
			{"a kind of a group", Request{Resource: schema.GroupResource{Group: "apps", Resource: "deployments"}, Namespaced: true, Namespace: "prod", Metric: "rps", Name: "web"}, "one prod/web deployments.apps/rps(namespaced) ", 1},
			{"of the cluster", Request{Resource: schema.GroupResource{Resource: "nodes"}, Metric: "load", Name: "n.1"}, "one /n.1 nodes/load ", 1},
			{"nodes", Request{Resource: schema.GroupResource{Resource: "nodes"}, Metric: "load", Selector: selector(t, "zone=a")}, "many  nodes/load zone=a ", 2},
			{"a namespace", Request{Resource: schema.GroupResource{Resource: "namespaces"}, Metric: "rps", Name: "prod", MetricSelector: selector(t, "code")}, "one /prod namespaces/rps code", 1},
			{"no objects", Request{Resource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Namespace: "empty", Metric: "rps"}, "many empty pods/rps(namespaced)  ", 0},
		} {
			list, known, err := d.Custom(t.Context(), c.request)
			if err != nil || !known {
				t.Errorf("%s, %s: known %v, %v", version, c.name, known, err)
				continue
			}
			if asked := server.taken(); asked != c.asked || len(list.Items) != c.items || list.Items == nil {
				t.Errorf("%s, %s: asked %q, %d items; want %q, %d", version, c.name, asked, len(list.Items), c.asked, c.items)
			}
			if c.items == 0 {
				continue
			}
			v := list.Items[0]
			got := fmt.Sprintf("%s %s %v %d %d %s", v.DescribedObject.Kind, v.Metric.Name, v.Metric.Selector.MatchLabels, v.Timestamp.Unix(), *v.WindowSeconds, v.Value.String())
			if want := "Pod " + c.request.Metric + " map[code:500] 1000000000 120 2300m"; got != want {
				t.Errorf("%s, %s: got %s, want %s", version, c.name, got, want)
			}
		}
		if got := d.known(CustomAPI).version; got != version {
			t.Errorf("speaks %s, want %s", got, version)
		}
	}
}

// What is not listed is not asked for. What is listed is the delegate's, its errors included.
func TestWhoseMetricItIs(t *testing.T) {
	t.Parallel()
	server := &adapter{}
	d := start(t, serve(t, server, server))
	gone, down, root := pods("rps"), pods("rps"), pods("rps")
	gone.Name, down.Name, root.Namespaced = "gone", "down", false
	bad := pods("rps")
	bad.Name = "../../kube-system/pods/b"
	for _, c := range []struct {
		name    string
		request Request
		known   bool
		status  int
		says    string
		asked   bool
	}{
		{"another name", pods("other"), false, 200, "", false},
		{"another scope", root, false, 200, "", false},
		{"no sample", gone, true, 404, `delegate "other": HTTP 404: the server could not find the metric rps for pods gone`, true},
		{"its source is down", down, true, 503, `delegate "other": HTTP 503: rules[0]: Prometheus is down`, true},
		{"another path in a name", bad, false, 400, `"../../kube-system/pods/b" cannot stand in a request to another server`, false},
	} {
		_, known, err := d.Custom(t.Context(), c.request)
		if known != c.known || statusOf(err) != c.status || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: known %v, %v; want %v, %d %s", c.name, known, err, c.known, c.status, c.says)
		}
		if asked := server.taken() != ""; asked != c.asked {
			t.Errorf("%s: asked %v", c.name, asked)
		}
	}
	_, _, err := d.Custom(t.Context(), down)
	if seconds, ok := apierrors.SuggestsClientDelay(err); !ok || seconds != 7 {
		t.Errorf("the client is to wait %d s, want 7", seconds)
	}
}

func TestExternalMetrics(t *testing.T) {
	t.Parallel()
	server := &adapter{}
	d := start(t, serve(t, server, server))
	list, known, err := d.External(t.Context(), "prod", "queue_length", selector(t, "queue=q"))
	if err != nil || !known || server.taken() != "external prod queue_length queue=q" {
		t.Fatalf("known %v, %v", known, err)
	}
	v := list.Items[0]
	if got := fmt.Sprintf("%d %s %v %d %v %s", len(list.Items), v.MetricName, v.MetricLabels, v.Timestamp.Unix(), v.WindowSeconds, v.Value.String()); got != "1 queue_length map[queue:q] 1000000000 <nil> 7" {
		t.Errorf("got %s", got)
	}
	if _, known, err := d.External(t.Context(), "prod", "other", nil); known || err != nil || server.taken() != "" {
		t.Errorf("a metric that is not listed: known %v, %v", known, err)
	}
}

// KEDA's server lists nothing, and so is asked; nobody can tell whether its error is about a metric of its own.
func TestAServerThatDoesNotList(t *testing.T) {
	t.Parallel()
	server := &keda{}
	d := start(t, serve(t, nil, server))
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, e := d.CustomMetrics(), d.ExternalMetrics(); len(c) > 0 || len(e) > 0 {
		t.Errorf("lists %v and %v", c, e)
	}
	list, known, err := d.External(t.Context(), "prod", "s0-redis", selector(t, "scaledobject.keda.sh/name=web"))
	if err != nil || !known || list.Items[0].MetricLabels["of"] != "prod/web" {
		t.Errorf("%v, known %v, %v", list, known, err)
	}
	if _, known, err := d.External(t.Context(), "prod", "missing", nil); known || err != nil {
		t.Errorf("a metric it does not know: known %v, %v", known, err)
	}
	if _, ok := server.asked.Load("missing"); !ok {
		t.Error("was not asked for a metric that it might have had")
	}
	if _, known, err := d.External(t.Context(), "prod", "of another", nil); known || statusOf(err) != 500 || !strings.Contains(err.Error(), "names no ScaledObject") {
		t.Errorf("an error: known %v, %v", known, err)
	}
	if _, known, err := d.Custom(t.Context(), pods("rps")); known || err != nil {
		t.Errorf("an API it does not serve: known %v, %v", known, err)
	}
}

func TestTheConfigurationSaysWhichAPIs(t *testing.T) {
	t.Parallel()
	server := &adapter{}
	cfg := serve(t, server, server)
	cfg.APIs = []string{ExternalAPI}
	d := start(t, cfg)
	if d.Serves(CustomAPI) || !d.Serves(ExternalAPI) || d.Name() != "other" {
		t.Errorf("serves custom %v, external %v", d.Serves(CustomAPI), d.Serves(ExternalAPI))
	}
	if _, known, err := d.Custom(t.Context(), pods("rps")); known || err != nil || server.taken() != "" {
		t.Errorf("custom: known %v, %v", known, err)
	}
	if err := d.Refresh(t.Context()); err != nil || len(d.CustomMetrics()) > 0 || len(d.ExternalMetrics()) != 2 {
		t.Errorf("%v, lists %v", err, d.CustomMetrics())
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	server := &adapter{}
	cfg := serve(t, server, server)
	d := start(t, cfg)
	if d.CustomMetrics() != nil || d.ExternalMetrics() != nil {
		t.Error("lists metrics before it was asked")
	}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range d.CustomMetrics() {
		got = append(got, fmt.Sprintf("%s/%s %v", m.Resource, m.Name, m.Namespaced))
	}
	if all := strings.Join(got, ", "); all != "deployments.apps/rps true, namespaces/rps false, nodes/load false, pods/rps true" {
		t.Errorf("lists %s", all)
	}
	if all := strings.Join(d.ExternalMetrics(), " "); all != "externalmetrics queue_length" {
		t.Errorf("lists external %s", all)
	}
	// A list that cannot be read again stays, and no longer proves that a metric does not exist.
	replace(t, cfg.BearerTokenFile, apitest.Known)
	if _, known, err := d.Custom(t.Context(), pods("rps")); !known || statusOf(err) != 500 || !strings.Contains(err.Error(), "does not let trimtab's account ask") {
		t.Errorf("without permission: known %v, %v", known, err)
	}
	if err := d.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), `read what delegate "other" serves`) {
		t.Errorf("refresh: %v", err)
	}
	if len(d.CustomMetrics()) != 4 || len(d.ExternalMetrics()) != 2 {
		t.Error("the list is gone")
	}
	if _, known, err := d.Custom(t.Context(), pods("other")); known || statusOf(err) != 503 || !strings.Contains(err.Error(), "cannot be asked again") {
		t.Errorf("with an old list: known %v, %v", known, err)
	}
	replace(t, cfg.BearerTokenFile, apitest.Allowed)
	if err := d.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if _, known, err := d.Custom(t.Context(), pods("other")); known || err != nil {
		t.Errorf("with a new list: known %v, %v", known, err)
	}
}
