package delegate

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Who asks reads a delegate's own answer to his question, and else words of ours; the operator reads what it was.
func TestACallerReadsNoAddressesAndAccounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		caller string
		hidden string
	}{
		"its own answer": {saysStatus(404, "no sample"), "HTTP 404: no sample", ""},
		"no permission":  {saysStatus(403, `User "system:serviceaccount:trimtab-system:trimtab" cannot`), "does not let trimtab ask", "serviceaccount"},
		"a page":         {says(502, "<html>upstream 10.0.0.7:9090 is down"), "answers with HTTP 502 what no metrics API does", "10.0.0.7"},
		"a redirect":     {http.RedirectHandler("http://10.0.0.7/", http.StatusFound).ServeHTTP, "answers with HTTP 302", "10.0.0.7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, front(t, defaultConfig(""), behind(c.handle)))
			if err := d.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, _, err := d.External(t.Context(), "prod", "q", nil)
			failed, ok := errors.AsType[*Failure](err)
			if !ok || !strings.Contains(failed.ErrStatus.Message, c.caller) {
				t.Fatalf("%v, want %q", err, c.caller)
			}
			if c.hidden == "" {
				return
			}
			if _, isStatus := errors.AsType[*apierrors.StatusError](err); !isStatus || strings.Contains(failed.ErrStatus.Message, c.hidden) {
				t.Errorf("the caller reads %s", failed.ErrStatus.Message)
			}
			if failed.Cause == nil {
				t.Error("the operator has no cause")
			}
		})
	}
}

// An object of another namespace is no answer, whatever the delegate says.
func TestAnObjectOfAnotherNamespaceIsRefused(t *testing.T) {
	t.Parallel()
	item := `{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","items":[{"describedObject":{"kind":"Pod","namespace":"NS","name":"a"},"metricName":"m","timestamp":"2026-01-01T00:00:00Z","value":"1"}]}`
	in := Request{Resource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Namespace: "prod", Metric: "m"}
	for namespace, want := range map[string]bool{"prod": true, "": true, "secret-project": false, "prod ": false} {
		if _, err := readCustom("v1beta1", in, []byte(strings.Replace(item, "NS", namespace, 1))); (err == nil) != want {
			t.Errorf("%q: %v", namespace, err)
		}
	}
}
