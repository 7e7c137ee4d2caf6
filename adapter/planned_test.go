package adapter

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/adapter/memory"
	"github.com/trimtab/trimtab/internal/prom"
)

const (
	oneNamespace = `sum by (pod, namespace) (rate(http_requests_total{namespace="prod",pod!=""}[2m]))`
	onePod       = `sum by (pod, namespace) (rate(http_requests_total{namespace="prod",pod="a"}[2m]))`
)

// podsHPA asks for http_requests of the pods of a namespace.
func podsHPA(namespace, name string) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{Metrics: []autoscalingv2.MetricSpec{{
			Type: autoscalingv2.PodsMetricSourceType,
			Pods: &autoscalingv2.PodsMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: "http_requests"}},
		}}},
	}
}

// inPlan runs a test on a planned fixture in a bubble of time, three seconds after a point of the grid. tick goes
// to the next point and evaluates what is due.
func inPlan(t *testing.T, test func(t *testing.T, f *fixture, tick func())) {
	synctest.Test(t, func(t *testing.T) {
		f := plannedFixture(t)
		f.prom.answers[oneNamespace] = rowsOf(t, "namespace=prod,pod=a 1", "namespace=prod,pod=b 2")
		f.Discover(t.Context())
		grid := f.setup.Load().grid
		next := func() { time.Sleep(time.Until(grid.Point(time.Now()).Add(grid.Interval() + 3*time.Second))) }
		next()
		test(t, f, func() {
			t.Helper()
			next()
			for _, r := range f.due(t.Context(), time.Now()) {
				r.Refresh(t.Context())
			}
			synctest.Wait()
		})
	})
}

// What HPAs name is asked for before they do, once for all of them, and once an interval.
func TestAnnouncedRequestsFindTheirAnswerInMemory(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		for i := range 100 {
			f.world.hpas = append(f.world.hpas, podsHPA("prod", fmt.Sprint("hpa", i)))
		}
		f.Warm(t.Context())
		for range 3 {
			for range 50 {
				got, err := f.custom(t, "prod/pods/*/http_requests", "app=web")
				if err != nil || got != "/v1 Pod prod/a 1000m@1000\n/v1 Pod prod/b 2000m@1000" {
					t.Fatalf("got %s, %v", got, err)
				}
				if got, err := f.custom(t, "prod/pods/b/http_requests"); err != nil || got != "/v1 Pod prod/b 2000m@1000" {
					t.Fatalf("got %s, %v", got, err)
				}
			}
			tick()
		}
		if want := []string{oneNamespace, oneNamespace, oneNamespace, oneNamespace}; strings.Join(f.prom.asked, "\n") != strings.Join(want, "\n") {
			t.Errorf("asked\n%s", strings.Join(f.prom.asked, "\n"))
		}
	})
}

// A request that nobody announced is asked for when it comes, and kept warm for some intervals.
func TestAnUnannouncedRequestComesIntoDemandByItself(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		f.prom.answers[onePod] = rowsOf(t, "namespace=prod,pod=a 1")
		if got, err := f.custom(t, "prod/pods/a/http_requests"); err != nil || got != "/v1 Pod prod/a 1000m@1000" {
			t.Fatalf("got %s, %v", got, err)
		}
		for range 8 {
			tick()
		}
		if n := len(f.prom.asked); n != 1+keepIntervals {
			t.Errorf("asked %d times, last\n%s", n, f.prom.asked[n-1])
		}
		if n := len(f.setup.Load().families.byKey); n != 0 {
			t.Errorf("%d families are left", n)
		}
	})
}

// What the evaluated query does not cover is asked by itself, and covered from the next evaluation on.
func TestWhatIsNotCoveredIsAskedExactly(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		f.world.hpas = append(f.world.hpas, podsHPA("prod", "web"))
		f.Warm(t.Context())
		const exact = `sum(rate(http_requests_total{namespace="test",pod="d"}[2m])) by (pod)`
		const both = `sum by (pod, namespace) (rate(http_requests_total{namespace=~"prod|test",pod!=""}[2m]))`
		f.prom.answers[exact] = vector(t, "pod=d 4")
		f.prom.answers[both] = rowsOf(t, "namespace=prod,pod=a 1", "namespace=test,pod=d 5")
		if got, err := f.custom(t, "test/pods/*/http_requests"); err != nil || got != "/v1 Pod test/d 4000m@1000" {
			t.Fatalf("got %s, %v", got, err)
		}
		tick()
		if got, err := f.custom(t, "test/pods/*/http_requests"); err != nil || got != "/v1 Pod test/d 5000m@1000" {
			t.Fatalf("got %s, %v", got, err)
		}
		// After the point both are asked again, in whatever order.
		if first, then := f.prom.asked[:2], f.prom.asked[2:]; first[0] != oneNamespace || first[1] != exact || len(then) != 2 || !slices.Contains(then, both) {
			t.Errorf("asked\n%s", strings.Join(f.prom.asked, "\n"))
		}
	})
}

// If the server refuses a common query, requests that it would answer one by one still get answers.
func TestARefusedCommonQueryIsAskedOneByOne(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		f.world.hpas = append(f.world.hpas, podsHPA("prod", "web"))
		f.prom.broken[oneNamespace] = promError(prom.BadQuery, "HTTP 422: too many samples")
		f.prom.answers[`sum(rate(http_requests_total{namespace="prod",pod=~"a|b"}[2m])) by (pod)`] = vector(t, "pod=a 7")
		f.Warm(t.Context())
		for range 3 {
			if got, err := f.custom(t, "prod/pods/*/http_requests", "app=web"); err != nil || got != "/v1 Pod prod/a 7000m@1000" {
				t.Fatalf("got %s, %v", got, err)
			}
		}
		if n := len(f.prom.asked); n != 2 {
			t.Errorf("asked %d times: %s", n, f.prom.asked)
		}
		explained, _ := f.Explain(t.Context(), ExplainRequest{Metric: "pods/http_requests", Namespace: "prod"})
		if len(explained) != 1 || !strings.Contains(explained[0].NotMerged, "too many samples") {
			t.Errorf("explained as %+v", explained)
		}
		delete(f.prom.broken, oneNamespace)
		time.Sleep(exactPause)
		tick()
		if got, err := f.custom(t, "prod/pods/a/http_requests"); err != nil || got != "/v1 Pod prod/a 1000m@1000" {
			t.Errorf("after the pause: %s, %v", got, err)
		}
	})
}

// While Prometheus is down nothing is answered from memory, each request says so, and it is not asked more often.
func TestNoOldAnswerHidesAnOutage(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		f.world.hpas = append(f.world.hpas, podsHPA("prod", "web"))
		f.Warm(t.Context())
		f.prom.down = promError(prom.Unavailable, "connection refused")
		tick()
		asked := len(f.prom.asked)
		for range 20 {
			_, err := f.custom(t, "prod/pods/*/http_requests", "app=web")
			checkStatus(t, err, 503, "Prometheus is not available")
			f.checkCause(t, "connection refused")
		}
		if n := len(f.prom.asked); n != asked {
			t.Errorf("asked %d times more", n-asked)
		}
		f.prom.down = nil
		time.Sleep(2 * time.Second)
		if _, err := f.custom(t, "prod/pods/*/http_requests", "app=web"); err != nil {
			t.Errorf("after it is back: %v", err)
		}
	})
}

// A flood of requests for what does not exist, and for ever other objects, leaves nothing behind.
func TestAFloodLeavesNothingBehind(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		for i := range 3000 {
			_, err := f.custom(t, fmt.Sprintf("prod/pods/a/nothing%d", i))
			checkStatus(t, err, 404, "no rule exposes it")
			_, err = f.custom(t, fmt.Sprintf("ns%d/pods/p%d/http_requests", i, i), "", fmt.Sprintf("l%d=v", i%7))
			checkStatus(t, err, 404, "no sample")
		}
		s := f.setup.Load()
		if n := len(s.families.byKey); n > 7 {
			t.Errorf("%d families", n)
		}
		for range keepIntervals + 2 {
			tick()
		}
		if n, m := len(s.families.byKey), len(s.exact.byKey); n != 0 || m != 0 || s.exact.bytes != 0 {
			t.Errorf("%d families, %d queries of %d bytes are left", n, m, s.exact.bytes)
		}
	})
}

// An external metric's rows lose the labels that only the merging gave them.
func TestExternalRowsLoseWhatMergingAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := plannedFixture(t)
		f.Discover(t.Context())
		f.prom.answers[`sum by (name) (queue{name="orders"})`] = rowsOf(t, "name=orders 3")
		if got, err := f.external(t, "queue", "name=orders"); err != nil || got != "queue map[] 3@1000" {
			t.Errorf("got %s, %v\nasked %s", got, err, f.prom.asked)
		}
	})
}

// The rule says what a value that is none counts for.
func TestPoliciesOfARule(t *testing.T) {
	const text = `
rules:
- seriesQuery: other
  resources: {overrides: {pod: {resource: pod}, namespace: {resource: namespace}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
  %s
`
	const asked = `sum by (pod, namespace) (other{namespace="prod",pod!=""})`
	const times = `max by (namespace, pod) (timestamp(other{namespace="prod",pod!=""}))`
	for _, c := range []struct {
		policy, answer, times, want, refused string
	}{
		{"", "pod=a NaN", "", "b 2000m", ""},
		{"onNaN: zero", "pod=a NaN", "", "a 0m,b 2000m", ""},
		{"onNaN: error", "pod=a +Inf", "", "", "+Inf"},
		{"onEmpty: 1.5", "", "", "a 1500m,b 2000m", ""},
		{"onNaN: drop", "pod=a 1e300", "", "b 2000m", ""},
		{"maxStaleness: 30s", "pod=a 1", "pod=a -31", "b 2000m", ""},
		{"maxStaleness: 30s", "pod=a 1", "pod=a -29", "a 1000m,b 2000m", ""},
	} {
		t.Run(c.policy+" "+c.answer+c.times, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fixtureOf(t, fmt.Sprintf(text, c.policy), Deps{})
				rows := []string{"namespace=prod,pod=b 2"}
				if c.answer != "" {
					rows = append(rows, "namespace=prod,"+c.answer)
				}
				f.prom.answers[asked] = rowsOf(t, rows...)
				if c.times != "" {
					now := time.Now().Truncate(15 * time.Second).Unix()
					var ago int64
					_, _ = fmt.Sscanf(c.times, "pod=a %d", &ago)
					f.prom.answers[times] = rowsOf(t, fmt.Sprintf("namespace=prod,pod=b %d", now), fmt.Sprintf("namespace=prod,pod=a %d", now+ago))
				}
				f.Discover(t.Context())
				got, err := f.custom(t, "prod/pods/*/other", "app=web")
				if c.refused != "" {
					checkStatus(t, err, 503, c.refused)
					return
				}
				var short []string
				for line := range strings.Lines(got) {
					line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "/v1 Pod prod/"), "@")
					short = append(short, line)
				}
				if err != nil || strings.Join(short, ",") != c.want {
					t.Errorf("got %v, %v\nwant %s\nasked %s", short, err, c.want, strings.Join(f.prom.asked, "\n"))
				}
			})
		})
	}
}

// A new configuration is in force at once, whatever is being asked; one that is wrong changes nothing.
func TestReload(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		next := f.setup.Load().cfg
		next.Rules = append(next.Rules[:0:0], next.Rules...)
		next.Rules[0].Name.As = "web_$1"
		if err := f.Reload(next, nil); err != nil {
			t.Fatal(err)
		}
		if got := f.listed(); !strings.Contains(got, "pods/web_http_requests") || strings.Contains(got, "pods/http_requests") {
			t.Errorf("listed %s", got)
		}
		if _, err := f.custom(t, "prod/pods/*/web_http_requests", "app=web"); err != nil {
			t.Error(err)
		}
		before := f.listed()
		next.Rules[0].MetricsQuery = "<<.Broken"
		if err := f.Reload(next, nil); err == nil || !strings.Contains(err.Error(), "rules[0].metricsQuery") {
			t.Errorf("error %v", err)
		}
		next.SecurePort = 1
		if err := f.Reload(next, nil); err == nil || !strings.Contains(err.Error(), "securePort") {
			t.Errorf("error %v", err)
		}
		if got := f.listed(); got != before {
			t.Errorf("after refusals listed %s", got)
		}
	})
}

// A rule that looks for other series than any before is not known at once, and says so.
func TestAReloadedRuleWaitsForItsSeries(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		next := f.setup.Load().cfg
		next.Rules = append(next.Rules[:0:0], next.Rules...)
		next.Rules[1].SeriesQuery = `other{pod!=""}`
		if err := f.Reload(next, nil); err != nil {
			t.Fatal(err)
		}
		_, err := f.custom(t, "prod/pods/a/other")
		checkStatus(t, err, 503, "discovery is not complete")
		f.checkCause(t, "not asked for yet")
		f.Discover(t.Context())
		if got := f.listed(); got != allMetrics {
			t.Errorf("listed %s", got)
		}
	})
}

// A Prometheus that hangs in the middle of a round does not keep a new configuration waiting, and the end of that round
// does not bring the old one back.
func TestAReloadDoesNotWaitForARound(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		f.prom.holdSeries = make(chan struct{}) // whatever asks now waits
		ended := make(chan bool, 1)
		go func() { ended <- f.Discover(t.Context()) }()
		synctest.Wait()
		next := f.setup.Load().cfg
		next.Rules = append(next.Rules[:0:0], next.Rules...)
		next.Rules[0].Name.As = "web_$1"
		if err := f.Reload(next, nil); err != nil {
			t.Fatal(err)
		}
		close(f.prom.holdSeries)
		if <-ended {
			t.Error("the round that was overtaken is called complete")
		}
		if got := f.listed(); !strings.Contains(got, "pods/web_http_requests") {
			t.Errorf("listed %s", got)
		}
	})
}

func TestExplain(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		f.world.hpas = append(f.world.hpas, podsHPA("prod", "web"))
		f.Warm(t.Context())
		got, _ := f.Explain(t.Context(), ExplainRequest{Metric: "pods/http_requests", Namespace: "prod"})
		if len(got) != 1 || got[0].Rule != "rules[0]" || got[0].Common != oneNamespace || got[0].Rows != 2 || got[0].HPAs[0] != "prod/web" || got[0].EvaluatedAt == nil {
			t.Errorf("explained as %+v", got)
		}
		all, _ := f.Explain(t.Context(), ExplainRequest{Metric: "http_requests"})
		if len(all) != 4 {
			t.Errorf("by its bare name: %+v", all)
		}
		for _, e := range all { // the rule is one, but the HPA asks for the metric of pods only
			if asked := len(e.HPAs) > 0; asked != (e.Metric == "pods/http_requests") {
				t.Errorf("%s is asked for by %v", e.Metric, e.HPAs)
			}
		}
		if none, instead := f.Explain(t.Context(), ExplainRequest{Metric: "http_request"}); none != nil || instead.CannotTell != "" || !strings.Contains(strings.Join(instead.Instead, "\n"), "pods/http_requests") {
			t.Errorf("a typing mistake: %v %v", none, instead)
		}
	})
}

// Where there are too many families, a new one is asked as it is written, and that is said.
func TestTheFamiliesAreBounded(t *testing.T) {
	inPlan(t, func(t *testing.T, f *fixture, tick func()) {
		s := f.setup.Load()
		for i := range mostFamilies {
			if _, err := s.families.of(fmt.Sprint("another", i), fmt.Sprint("team", i%100), func() *family { return &family{} }); err != nil {
				t.Fatal(err)
			}
		}
		f.prom.answers[`sum(rate(http_requests_total{namespace="prod",pod="a"}[2m])) by (pod)`] = vector(t, "pod=a 4")
		if got, err := f.custom(t, "prod/pods/a/http_requests"); err != nil || got != "/v1 Pod prod/a 4000m@1000" {
			t.Errorf("got %s, %v", got, err)
		}
		if got, _ := f.Explain(t.Context(), ExplainRequest{Metric: "pods/http_requests"}); len(got) != 1 || !strings.Contains(got[0].NotMerged, "5000 families") {
			t.Errorf("explained as %+v", got)
		}
		tick() // nobody has asked for the others
		if got, _ := f.Explain(t.Context(), ExplainRequest{Metric: "pods/http_requests"}); len(got) != 1 || got[0].Common == "" {
			t.Errorf("after the others were forgotten: %+v", got)
		}
	})
}

var _ memory.Refresher = (*family)(nil)
