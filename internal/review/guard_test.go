package review_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/trimtab/trimtab/adapter/api/apitest"
	"github.com/trimtab/trimtab/internal/review"
)

func guarded(t *testing.T, cluster *rest.Config) func(change func(*http.Request)) (int, string) {
	t.Helper()
	client, err := review.Client(cluster, 100, 100)
	if err != nil {
		t.Fatal(err)
	}
	h, err := review.Guard(client, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "page, with the token ", r.Header.Get("Authorization"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	return func(change func(*http.Request)) (int, string) {
		r := httptest.NewRequest(http.MethodGet, "/debug/decisions?subject=x", nil)
		change(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// Only a token and a right let a request through; each is reviewed once, however often it is used.
func TestGuard(t *testing.T) {
	t.Parallel()
	cluster := apitest.Start(t)
	ask := guarded(t, cluster.REST)
	for range 3 {
		for name, c := range map[string]struct {
			change func(*http.Request)
			code   int
			says   string
		}{
			"nothing":       {func(*http.Request) {}, 401, "bearer token"},
			"no token":      {bearer("nobody"), 401, "bearer token"},
			"two tokens":    {bearer(apitest.Known + " " + apitest.Allowed), 403, `user "known"`},
			"a password":    {func(r *http.Request) { r.SetBasicAuth("allowed", "x") }, 401, "bearer token"},
			"in the query":  {func(r *http.Request) { r.URL.RawQuery = "access_token=" + apitest.Allowed }, 401, "bearer token"},
			"impersonation": {func(r *http.Request) { bearer(apitest.Known)(r); r.Header.Set("Impersonate-User", "allowed") }, 403, `user "known"`},
			"no right":      {bearer(apitest.Known), 403, `user "known" needs the right to get the nonResourceURL /debug/decisions`},
			"all":           {bearer(apitest.Allowed), 200, "page, with the token "},
		} {
			code, body := ask(c.change)
			if code != c.code || !strings.Contains(body, c.says) || strings.Contains(body, apitest.Allowed) || code != 200 && strings.Contains(body, "page, ") {
				t.Errorf("%s: %d %s, want %d %s", name, code, body, c.code, c.says)
			}
		}
	}
	if n := len(cluster.Reviews()); n != 2 {
		t.Errorf("%d rights were reviewed, want one for each user", n)
	}
}

// Nobody gets a page while nobody can say who he is.
func TestGuardWithoutAnAPIServer(t *testing.T) {
	t.Parallel()
	ask := guarded(t, &rest.Config{Host: "https://127.0.0.1:1"})
	if code, body := ask(bearer(apitest.Allowed)); code != http.StatusServiceUnavailable || strings.Contains(body, "127.0.0.1") {
		t.Errorf("%d %s", code, body)
	}
}
