package adapter

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/internal/prom"
)

const (
	bothNamespaces = `sum by (pod, namespace) (rate(http_requests_total{namespace=~"prod|secret-project",pod!=""}[2m]))`
	ownPod         = `sum(rate(http_requests_total{namespace="prod",pod="a"}[2m])) by (pod)`
)

// inTwoNamespaces is inPlan with an HPA in each of two namespaces, so that one query asks for both.
func inTwoNamespaces(t *testing.T, rows []string, test func(t *testing.T, f *fixture, tick func())) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		f.world.objects["pods"] = append(f.world.objects["pods"], &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "secret-project", Name: "hidden", Labels: map[string]string{"app": "web"}}})
		f.world.hpas = append(f.world.hpas, podsHPA("prod", "web"), podsHPA("secret-project", "web"))
		f.prom.answers[bothNamespaces] = rowsOf(t, rows...)
		f.Warm(t.Context())
		test(t, f, tick)
	})
}

// serverError is what a client of Prometheus reports, with all that is not for a caller's eyes.
func serverError(kind prom.Kind) error {
	return &prom.Error{
		Kind: kind, Server: "http://10.0.0.7:9090", Query: bothNamespaces, Err: errors.New(`parse error in "secret-project" at dial tcp 10.0.0.7:9090`),
		Earlier: []*prom.Error{{Kind: prom.Unavailable, Server: "http://10.0.0.8:9090", Err: errors.New("secret-project")}},
	}
}

// Whatever goes wrong, who asks reads his own question and words of ours; the operator reads the cause and the query that
// was sent.
func TestAnAnswerShowsTheCallersOwnQuestion(t *testing.T) {
	hidden := []string{"secret-project", "10.0.0.", "parse error", "system:serviceaccount"}
	for name, c := range map[string]struct {
		rows   []string
		path   string
		change func(*fixture)
		code   int32
		says   string
		// cause stands in the journal.
		cause string
	}{
		"no sample":            {[]string{"namespace=secret-project,pod=a 1", "namespace=prod,pod=b 1"}, "prod/pods/a/http_requests", nil, 404, ownPod, bothNamespaces},
		"nothing at all":       {nil, "prod/pods/a/http_requests", nil, 404, ownPod + ", and none of its 0 rows has", bothNamespaces},
		"no value":             {[]string{"namespace=prod,pod=a NaN"}, "prod/pods/a/http_requests", nil, 503, ownPod, bothNamespaces},
		"down":                 {nil, "prod/pods/a/http_requests", func(f *fixture) { f.prom.down = serverError(prom.Unavailable) }, 503, ownPod, "10.0.0.8"},
		"slow":                 {nil, "prod/pods/a/http_requests", func(f *fixture) { f.prom.down = serverError(prom.Timeout) }, 504, ownPod, "10.0.0.7"},
		"refused":              {nil, "prod/pods/a/http_requests", func(f *fixture) { f.prom.down = serverError(prom.BadQuery) }, 500, ownPod, "parse error"},
		"too large":            {nil, "prod/pods/a/http_requests", func(f *fixture) { f.prom.down = serverError(prom.TooLarge) }, 500, "maxResponseBytes", "10.0.0.7"},
		"no Prometheus":        {nil, "prod/pods/a/http_requests", func(f *fixture) { f.prom.down = serverError(prom.BadAnswer) }, 503, "is not Prometheus", "10.0.0.7"},
		"another error":        {nil, "prod/pods/a/http_requests", func(f *fixture) { f.prom.down = errors.New("dial tcp 10.0.0.7") }, 503, ownPod, "10.0.0.7"},
		"no vector":            {nil, "prod/pods/a/http_requests", func(f *fixture) { f.prom.answers[bothNamespaces] = prom.Result{Value: model.Matrix{}} }, 500, ownPod, bothNamespaces},
		"discovery incomplete": {nil, "prod/pods/a/nothing", func(f *fixture) { f.plan.Load().missing = []error{serverError(prom.Unavailable)} }, 503, "discovery is not complete", "10.0.0.7"},
		"discovery refused":    {nil, "prod/pods/a/nothing", func(f *fixture) { f.plan.Load().refused = []error{serverError(prom.BadQuery)} }, 404, "series queries are refused", "10.0.0.7"},
		"an external metric":   {nil, "external/queue", func(f *fixture) { f.prom.down = serverError(prom.Unavailable) }, 503, "queue{", "10.0.0.7"},
	} {
		t.Run(name, func(t *testing.T) {
			inTwoNamespaces(t, c.rows, func(t *testing.T, f *fixture, tick func()) {
				if c.change != nil {
					c.change(f)
					tick()
				}
				var err error
				if metric, ok := strings.CutPrefix(c.path, "external/"); ok {
					err = f.External(t.Context(), api.ExternalRequest{Namespace: "prod", Metric: metric, Selector: labels.Everything()}, new(api.ExternalAnswer))
				} else {
					_, err = f.custom(t, c.path)
				}
				checkStatus(t, err, c.code, c.says)
				for _, text := range hidden {
					if strings.Contains(fmt.Sprint(err), text) {
						t.Errorf("shows %q: %v", text, err)
					}
				}
				f.checkCause(t, c.cause)
			})
		})
	}
}

// The merged query and the request's own give the same refusal, to the letter.
func TestARefusalDoesNotTellThatQueriesAreMerged(t *testing.T) {
	ask := func(f *fixture) string {
		_, err := f.custom(t, "prod/pods/a/http_requests")
		return fmt.Sprint(err)
	}
	alone := newFixture(t)
	alone.Discover(t.Context())
	want := ask(alone)
	inTwoNamespaces(t, []string{"namespace=secret-project,pod=a 1", "namespace=secret-project,pod=hidden 1", "namespace=prod,pod=b 1"}, func(t *testing.T, f *fixture, _ func()) {
		if got := ask(f); got != want {
			t.Errorf("merged: %s\nalone:  %s", got, want)
		}
	})
}

// Rows of another namespace never answer: neither under a name that exists in both, nor for a namespace whose name would be
// a pattern, nor in a list.
func TestNoValueOfAnotherNamespace(t *testing.T) {
	rows := []string{"namespace=secret-project,pod=a 666", "namespace=secret-project,pod=b 666", "namespace=prod,pod=b 2", "namespace=secret-project,pod=hidden 666", "pod=a 666"}
	inTwoNamespaces(t, rows, func(t *testing.T, f *fixture, tick func()) {
		for range 4 {
			if got, err := f.custom(t, "prod/pods/*/http_requests", "app=web"); err != nil || got != "/v1 Pod prod/b 2000m@1000" {
				t.Errorf("a list gives %s, %v", got, err)
			}
			for _, namespace := range []string{"prod", "prod|secret-project", ".*", "secret.project", "secret-project\xff", "\xffsecret-project", `prod",namespace=~".*`} {
				for _, name := range []string{"a", "hidden", "a|hidden", ".*", `a",namespace="secret-project`} {
					if got, err := f.custom(t, namespace+"/pods/"+name+"/http_requests"); err == nil {
						t.Errorf("%q, %q: %s", namespace, name, got)
					}
				}
			}
			for range 2 { // whatever the common query is narrowed to, the server answers it with all rows
				tick()
				for _, asked := range f.prom.asked {
					if strings.HasPrefix(asked, "sum by (pod, namespace)") {
						f.prom.answers[asked] = rowsOf(t, rows...)
					}
				}
			}
		}
		for _, asked := range f.prom.asked {
			if strings.Contains(asked, `=~".*`) || strings.Contains(asked, "prod|secret-project") && !strings.Contains(asked, `"prod|secret-project`) {
				t.Errorf("a name became a pattern: %s", asked)
			}
		}
	})
}

// HPAs of one namespace that ask by thousands of labels take no more than a share of the common queries: another's are
// still asked ahead.
func TestOneNamespaceMakesFewFamilies(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		greedy := podsHPA("greedy", "web")
		one := greedy.Spec.Metrics[0]
		greedy.Spec.Metrics = nil
		for i := range mostFamilies {
			m := one.DeepCopy()
			m.Pods.Metric.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{fmt.Sprint("label", i): "x"}}
			greedy.Spec.Metrics = append(greedy.Spec.Metrics, *m)
		}
		f.world.hpas = []*autoscalingv2.HorizontalPodAutoscaler{greedy, podsHPA("prod", "web")}
		f.Warm(t.Context())
		got, _ := f.Explain(t.Context(), ExplainRequest{Metric: "pods/http_requests", Namespace: "prod"})
		if len(got) != 1 || got[0].Common == "" || got[0].EvaluatedAt == nil {
			t.Errorf("the neighbour's metric is explained as %+v", got)
		}
		if n := len(f.setup.Load().families.byKey); n > mostFamiliesOf+10 {
			t.Errorf("%d families", n)
		}
		f.world.hpas = nil
		for range 10 {
			tick()
		}
		if n := len(f.setup.Load().families.made); n != 0 {
			t.Errorf("families of %d namespaces are counted when nobody asks", n)
		}
	})
}
