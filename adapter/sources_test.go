package adapter

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trimtab/trimtab/adapter/api/apitest"
	"github.com/trimtab/trimtab/internal/prom"
)

// A rule that names a server asks that one, in discovery as for values, and no other.
func TestARuleAsksItsOwnServer(t *testing.T) {
	const text = `
sources: [{name: far}]
rules:
- seriesQuery: http_requests_total
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
- seriesQuery: other
  source: far
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`
	synctest.Test(t, func(t *testing.T) {
		near, far := newFakeProm(), newFakeProm()
		f := fixtureOf(t, text, Deps{Servers: map[string]Server{"": near, "far": far}})
		far.answers[`sum by (pod, namespace) (other{namespace="prod",pod="a"})`] = rowsOf(t, "namespace=prod,pod=a 7")
		near.broken["other"] = promError(prom.Unavailable, "the near server was asked")
		if !f.Discover(t.Context()) {
			t.Fatal("the round is not complete")
		}
		if got, err := f.custom(t, "prod/pods/a/other"); err != nil || got != "/v1 Pod prod/a 7000m@1000" {
			t.Errorf("got %s, %v", got, err)
		}
		far.down = promError(prom.Unavailable, "connection refused")
		near.answers[`sum by (pod, namespace) (http_requests_total{namespace="prod",pod="a"})`] = rowsOf(t, "namespace=prod,pod=a 1")
		if got, err := f.custom(t, "prod/pods/a/http_requests_total"); err != nil || got != "/v1 Pod prod/a 1000m@1000" {
			t.Errorf("while the other server is down: %s, %v", got, err)
		}
		if len(near.asked) != 1 || len(far.asked) != 1 {
			t.Errorf("near was asked %s, far %s", near.asked, far.asked)
		}
	})
}

// tenants is a server where each namespace belongs to a tenant of its own.
type tenants struct {
	*fakeProm
	of map[string]*fakeProm
}

func (s tenants) ForNamespace(namespace string) Server {
	if one, ok := s.of[namespace]; ok {
		return one
	}
	return s.fakeProm
}

func (s tenants) Tenant(namespace string) string { return namespace }

// No common query reaches beyond the tenant of a namespace.
func TestQueriesAreMergedWithinATenantOnly(t *testing.T) {
	inBubble := func(t *testing.T) {
		s := tenants{newFakeProm(), map[string]*fakeProm{"prod": newFakeProm(), "test": newFakeProm()}}
		f := fixtureOf(t, strings.Replace(rulesYAML, "compat: true", "compat: false", 1), Deps{Servers: map[string]Server{"": s}})
		f.Discover(t.Context())
		for namespace, pod := range map[string]string{"prod": "a", "test": "d"} {
			f.world.hpas = append(f.world.hpas, podsHPA(namespace, "web"))
			query := `sum by (pod, namespace) (rate(http_requests_total{namespace="` + namespace + `",pod!=""}[2m]))`
			s.of[namespace].answers[query] = rowsOf(t, "namespace="+namespace+",pod="+pod+" 3")
		}
		f.Warm(t.Context())
		for namespace, pod := range map[string]string{"prod": "a", "test": "d"} {
			if got, err := f.custom(t, namespace+"/pods/"+pod+"/http_requests"); err != nil || got != "/v1 Pod "+namespace+"/"+pod+" 3000m@1000" {
				t.Errorf("got %s, %v", got, err)
			}
			if asked := s.of[namespace].asked; len(asked) != 1 {
				t.Errorf("the tenant of %s was asked %s", namespace, asked)
			}
		}
		if len(s.asked) != 0 {
			t.Errorf("without a tenant was asked %s", s.asked)
		}
	}
	synctest.Test(t, inBubble)
}

// What no rule exposes is asked of another metrics server, here another trimtab; its metrics are listed too, and its
// failure is not taken for a metric that does not exist.
func TestDelegatesAnswerForWhatNoRuleExposes(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	t.Cleanup(server.Close)
	other := serving(t, server.URL)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(apitest.Allowed), 0o600); err != nil {
		t.Fatal(err)
	}
	f := fixtureOf(t, `
compat: true
rules: [{seriesQuery: other, resources: {overrides: {pod: {resource: pod}, namespace: {resource: namespace}}}, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}'}]
delegates: [{name: second, url: "https://`+other.Addr().String()+`", bearerTokenFile: "`+token+`", tls: {insecureSkipVerify: true}, timeout: 5s}]
`, Deps{})
	f.Discover(t.Context())
	if got := f.listed(); !strings.Contains(got, "pods/http_requests") || !strings.Contains(got, "pods/other") {
		t.Errorf("listed %s", got)
	}
	if got, err := f.custom(t, "prod/pods/a/http_requests"); err != nil || got != "/v1 Pod prod/a 4000m@1000" {
		t.Errorf("the delegate's: %s, %v", got, err)
	}
	f.prom.answers[`other{namespace="prod",pod="a"}`] = vector(t, "pod=a 2")
	if got, err := f.custom(t, "prod/pods/a/other"); err != nil || got != "/v1 Pod prod/a 2000m@1000" {
		t.Errorf("its own: %s, %v", got, err)
	}
	_, err := f.custom(t, "prod/pods/a/nothing")
	checkStatus(t, err, 404, "no rule exposes it")
	_, err = f.external(t, "nothing", "")
	checkStatus(t, err, 404, "no external rule exposes it")

	server.Close() // the delegate's Prometheus
	apitest.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		f.Discover(ctx)
		_, err = f.custom(t, "prod/pods/a/http_requests")
		return err != nil
	})
	checkStatus(t, err, 503, `delegate "second"`)
	if code := f.lastCode("metric pods/http_requests in prod"); code != "DelegateFailed" {
		t.Errorf("verdict %s", code)
	}
}
