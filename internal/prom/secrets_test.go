package prom

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// mark is in every secret of the configurations below.
const mark = "geheimMARK"

// A server that repeats the whole request in its answer, of whatever form, does not make it known.
func TestAServerThatRepeatsTheRequestRevealsNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(mark+"-file"), 0o600); err != nil {
		t.Fatal(err)
	}
	issuer := newTokenServer(t, mark+"-file")
	ways := map[string]func(*Config){
		"basic":  func(c *Config) { c.BasicAuth = &BasicAuth{Username: "maria", Password: mark + "-basic"} },
		"file":   func(c *Config) { c.BasicAuth = &BasicAuth{Username: "maria", PasswordFile: file} },
		"bearer": func(c *Config) { c.BearerTokenFile = file },
		"headers": func(c *Config) {
			c.Headers = map[string]string{"X-Api-Key": mark + "-header", "Authorization": "Token " + mark}
		},
		"url":   func(c *Config) { c.URL += "?api_key=" + mark + "-parameter" },
		"sigv4": func(c *Config) { c.SigV4 = &SigV4{Region: "r", AccessKey: "AKID", SecretKey: mark + "-sigv4"} },
		"oauth2": func(c *Config) {
			c.OAuth2 = &OAuth2{ClientID: "trimtab", ClientSecretFile: file, TokenURL: issuer.url, Scopes: []string{"read", "more"}}
		},
	}
	answers := map[string]func(http.ResponseWriter, string){
		"an error of the API": func(w http.ResponseWriter, said string) {
			w.WriteHeader(http.StatusInternalServerError)
			_ = json.NewEncoder(w).Encode(map[string]string{"status": "error", "errorType": said, "error": said})
		},
		"a foreign error":  func(w http.ResponseWriter, said string) { http.Error(w, said, http.StatusForbidden) },
		"garbage":          func(w http.ResponseWriter, said string) { fmt.Fprint(w, said) },
		"a failed success": func(w http.ResponseWriter, said string) { fmt.Fprintf(w, `{"status":%q,"error":%q}`, said, said) },
		"a warning": func(w http.ResponseWriter, said string) {
			_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "warnings": []string{said}, "data": map[string]any{"resultType": "vector", "result": []int{}}})
		},
		"a redirect": func(w http.ResponseWriter, said string) {
			w.Header().Set("Location", "http://u:"+mark+"@elsewhere/"+strings.ReplaceAll(said, " ", "/"))
			w.WriteHeader(http.StatusFound)
		},
	}
	for wayName, way := range ways {
		for answerName, answer := range answers {
			for _, verb := range []string{"GET", "POST"} {
				// The secret stands at the beginning of what is repeated, or is cut off.
				for _, before := range []int{0, 90, 110, 480} {
					server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						header := r.Header.Get("Authorization") + " " + r.Header.Get("X-Api-Key")
						_, password, _ := r.BasicAuth()
						answer(w, strings.Repeat("x", before)+strings.Join([]string{password, r.URL.Query().Get("api_key"), header, r.URL.String()}, " "))
					}))
					cfg := DefaultConfig()
					cfg.URL, cfg.Verb = server.URL, verb
					way(&cfg)
					registry := prometheus.NewRegistry()
					c, err := NewClient(cfg, Deps{Registry: registry})
					if err != nil {
						t.Fatal(err)
					}
					result, err := c.Query(t.Context(), "up", time.Now())
					if err == nil && len(result.Warnings) == 0 {
						t.Errorf("%s, %s: no error", wayName, answerName)
					}
					families, _ := registry.Gather()
					said := fmt.Sprint(err, result.Warnings, families)
					for _, part := range []string{"geheim", "MARK", "Z2VoZWlt", "bWFyaWE6", "token-1"} {
						if strings.Contains(said, part) {
							t.Errorf("%s, %s, %s, %d: %q is shown: %s", wayName, answerName, verb, before, part, said)
						}
					}
					server.Close()
				}
			}
		}
	}
}

// The address of a server is a label of metrics and stands in each error: it has no credentials.
func TestTheNameOfAServerHasNoCredentials(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://u:" + mark + "@h/p", "http://h/p?a=" + mark, "http://h/p#" + mark} {
		e, err := newEndpoint(address, 1)
		if err != nil || e.name != "http://h/p" {
			t.Errorf("%s is called %s, %v", address, e.name, err)
		}
	}
}
