package leader

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// served is an API server that gives each path this answer, and 404 to others.
func served(t *testing.T, answers map[string]string) *rest.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer, ok := answers[r.Method+" "+r.URL.Path]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"not found"}`
		case strings.Contains(answer, `"Forbidden"`):
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

const (
	leases    = "GET /apis/coordination.k8s.io/v1/namespaces/system/leases/"
	forbidden = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"may not"}`
)

func held(by string) string {
	return `{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","spec":{"holderIdentity":` + by + `}}`
}

// Who leads is the host of the Lease's holder; each way to fail names the Lease and the mend.
func TestFind(t *testing.T) {
	t.Parallel()
	cfg := served(t, map[string]string{
		leases + "trimtab": held(`"trimtab-7c-x_0b6e"`), leases + "plain": held(`"host"`), leases + "idle": held(`""`),
		leases + "new": held("null"), leases + "hidden": forbidden,
	})
	for name, want := range map[string]string{
		"trimtab": "system/trimtab-7c-x",
		"plain":   "system/host",
		"idle":    "nobody holds Lease system/idle",
		"new":     "nobody holds Lease system/new",
		"none":    "there is no Lease system/none: trimtab does not run there, or elects no leader; --lease names another one",
		"hidden":  "read Lease system/hidden: may not; add to a Role in system: {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [hidden], verbs: [get]}",
	} {
		got, err := Find(t.Context(), cfg, types.NamespacedName{Namespace: "system", Name: name})
		said := got.String()
		if err != nil {
			said = err.Error()
		}
		if (err == nil) != strings.HasPrefix(want, "system/") || !strings.HasPrefix(said, want) {
			t.Errorf("%s: %s, not %s", name, said, want)
		}
	}
}

// If a server supports neither WebSocket nor SPDY, the error has the server's message, if that is a Status.
func TestDialTellsWhatTheServerMinds(t *testing.T) {
	t.Parallel()
	const ports = " /api/v1/namespaces/system/pods/"
	cfg := served(t, map[string]string{"GET" + ports + "hidden/portforward": forbidden, "POST" + ports + "hidden/portforward": forbidden})
	for name, want := range map[string]string{
		"hidden": `forward to pod system/hidden: may not; add to a Role in system: {apiGroups: [""], resources: [pods/portforward], verbs: [create, get]}`,
		"gone":   `the holder of Lease system/trimtab, "gone", is no pod of the namespace system: it has just ended, or trimtab runs outside of the cluster; ask again, or name its address by --server`,
	} {
		pod := Pod{Namespace: "system", Name: name, lease: types.NamespacedName{Namespace: "system", Name: "trimtab"}}
		if _, err := Dial(t.Context(), cfg, pod, 8081); err == nil || err.Error() != want {
			t.Errorf("%s: %v, not %s", name, err, want)
		}
	}
}

// A server that does not answer holds nobody up for longer than the caller wants.
func TestDialEndsWithItsContext(t *testing.T) {
	t.Parallel()
	asked, end := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-end
	}))
	defer server.Close()
	defer close(end)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	go func() {
		<-asked
		cancel()
	}()
	if _, err := Dial(ctx, &rest.Config{Host: server.URL}, Pod{Namespace: "a", Name: "b"}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
