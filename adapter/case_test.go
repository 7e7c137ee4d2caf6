package adapter

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/api"
)

// capitals exposes external metrics with and without capitals, and a custom one with them.
const capitals = `
securePort: 0
bindAddress: 127.0.0.1
rules:
- seriesQuery: http_requests_total
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {as: HttpRequests}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
externalRules:
- seriesQuery: queue
  resources: {namespaced: false}
  name: {as: Queue}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>})
- seriesQuery: queue
  resources: {namespaced: false}
  name: {as: jobs}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>})
`

func externalHPA(name, metric string) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{Metrics: []autoscalingv2.MetricSpec{{
			Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: metric}},
		}}},
	}
}

// The HPA controller asks for an external metric in small letters, however the HPA spells it: one with capitals is reached
// by no HPA, and one without them by each spelling.
func TestHPAsAskForExternalMetricsInSmallLetters(t *testing.T) {
	f := fixtureOf(t, capitals, Deps{})
	f.world.hpas = append(f.world.hpas, externalHPA("same", "Queue"), externalHPA("other", "JOBS"))
	f.Discover(t.Context())
	for metric, want := range map[string]string{"external/Queue": "", "external/jobs": "prod/other"} {
		got, _ := f.Explain(t.Context(), ExplainRequest{Metric: metric})
		if len(got) != 1 || strings.Join(got[0].HPAs, " ") != want {
			t.Errorf("%s is explained as %+v, not asked by %q", metric, got, want)
		}
	}
	if _, instead := f.Explain(t.Context(), ExplainRequest{Metric: "external/queue"}); !strings.Contains(strings.Join(instead.Instead, "\n"), "external/Queue") {
		t.Errorf("explained instead: %v", instead)
	}
}

// A metric that is not found names the one that differs only in case.
func TestNotFoundNamesTheMetricOfAnotherCase(t *testing.T) {
	f := fixtureOf(t, capitals, Deps{})
	f.Discover(t.Context())
	_, err := f.external(t, "queue", "")
	checkStatus(t, err, 404, "; Queue differs only in case: HPAs ask for external metrics in small letters")
	var out api.CustomAnswer
	err = f.Custom(t.Context(), api.CustomRequest{Resource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Namespace: "prod", Name: "a", Metric: "httprequests"}, &out)
	checkStatus(t, err, 404, "; HttpRequests differs only in case")
	if _, err = f.external(t, "q", ""); err == nil || strings.Contains(err.Error(), "case") {
		t.Errorf("another name: %v", err)
	}
}
