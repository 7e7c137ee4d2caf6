package prom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

// verifySigV4 recomputes the signature of a request as AWS publishes it, and tells what is wrong.
func verifySigV4(r *http.Request, body []byte, key, secret, region, service string) error {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return fmt.Errorf("Authorization is %q", r.Header.Get("Authorization"))
	}
	parts := map[string]string{}
	for field := range strings.SplitSeq(fields, ", ") {
		name, value, _ := strings.Cut(field, "=")
		parts[name] = value
	}
	at := r.Header.Get("X-Amz-Date")
	if len(at) != len("20060102T150405Z") {
		return fmt.Errorf("X-Amz-Date is %q", at)
	}
	scope := at[:8] + "/" + region + "/" + service + "/aws4_request"
	if parts["Credential"] != key+"/"+scope {
		return fmt.Errorf("the credential is %q, want %s", parts["Credential"], key+"/"+scope)
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	if !slices.IsSorted(signed) || !slices.Contains(signed, "host") || !slices.Contains(signed, "x-amz-date") {
		return fmt.Errorf("signed headers %q", signed)
	}
	var headers strings.Builder
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), query, headers.String(), parts["SignedHeaders"], sum(body)}, "\n")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, sum([]byte(canonical))}, "\n")
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	k := mac(mac(mac(mac([]byte("AWS4"+secret), at[:8]), region), service), "aws4_request")
	if want := hex.EncodeToString(mac(k, toSign)); parts["Signature"] != want {
		return fmt.Errorf("the signature is %s, want %s of\n%s", parts["Signature"], want, canonical)
	}
	return nil
}

func TestSigV4(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{http.MethodPost, http.MethodGet} {
		var wrong error
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if wrong = verifySigV4(r, body, "AKIDEXAMPLE", "geheim/secret", "eu-west-1", "aps"); r.Header.Get("X-Scope-Orgid") != "team" {
				wrong = fmt.Errorf("the tenant is missing")
			}
			answer(200, oneRow)(w, r)
		}, func(cfg *Config) {
			cfg.Verb = verb
			cfg.URL += "/workspaces/ws-1?dedup=true"
			cfg.SigV4 = &SigV4{Region: "eu-west-1", AccessKey: "AKIDEXAMPLE", SecretKey: "geheim/secret"}
			cfg.Tenant = &Tenant{Header: "X-Scope-OrgID", Value: "team"}
		})
		if _, err := c.Query(t.Context(), `sum by (pod) (x{a="b c+d"})`, time.Now()); err != nil || wrong != nil {
			t.Errorf("%s: %v, %v", verb, err, wrong)
		}
	}
}

// Credentials that cannot be found are an error of the request, which is tried again; not one of the start.
func TestSigV4WithoutCredentials(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "credentials")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(name, "")
	}
	var wrong error
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		wrong = verifySigV4(r, body, "AKIDFILE", "s", "us-east-1", "aps")
		answer(200, oneRow)(w, r)
	}, func(cfg *Config) { cfg.SigV4 = &SigV4{Region: "us-east-1"} })
	_, err := c.Query(t.Context(), "up", time.Now())
	if kind, _ := KindOf(err); kind != Unavailable || !strings.Contains(err.Error(), "sigv4: ") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(file, []byte("[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query(t.Context(), "up", time.Now()); err != nil || wrong != nil {
		t.Errorf("with credentials: %v, %v", err, wrong)
	}
}

// tokenServer issues numbered tokens to who knows the secret.
type tokenServer struct {
	url    string
	secret string
	issued atomic.Int64
	handle atomic.Pointer[http.HandlerFunc]
}

func newTokenServer(t *testing.T, secret string) *tokenServer {
	t.Helper()
	s := &tokenServer{secret: secret}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handle := s.handle.Load(); handle != nil {
			(*handle)(w, r)
			return
		}
		id, got, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		if id != "trimtab" || got != s.secret || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("scope") != "read more" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"invalid_client","error_description":"wrong secret %s"}`, got)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprintf("token-%d", s.issued.Add(1)), "token_type": "bearer", "expires_in": 3600})
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func TestOAuth2(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("falsch")
	issuer := newTokenServer(t, "geheim")
	var got []string
	refuse := false
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		if refuse {
			answer(401, `{}`)(w, r)
			return
		}
		answer(200, oneRow)(w, r)
	}, func(cfg *Config) {
		cfg.OAuth2 = &OAuth2{ClientID: "trimtab", ClientSecretFile: file, TokenURL: issuer.url + "/token", Scopes: []string{"read", "more"}}
	})
	query := func() error { _, err := c.Query(t.Context(), "up", time.Now()); return err }
	err := query()
	if kind, _ := KindOf(err); kind != Unavailable || !strings.Contains(err.Error(), "no token from "+issuer.url+": HTTP 401 invalid_client") || strings.Contains(err.Error(), "falsch") {
		t.Errorf("with a wrong secret: %v", err)
	}
	write("geheim") // the file is read again
	for range 2 {
		if err := query(); err != nil {
			t.Fatal(err)
		}
	}
	refuse = true
	if kind, _ := KindOf(query()); kind != BadQuery {
		t.Errorf("a refused token is %s", kind)
	}
	refuse = false
	if err := query(); err != nil {
		t.Fatal(err)
	}
	issuer.secret = "neu"
	write("neu")
	if err := query(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Bearer token-1", "Bearer token-1", "Bearer token-1", "Bearer token-2", "Bearer token-3"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// A token server that hangs costs each request its own time, and is asked again.
func TestOAuth2TokenServerHangs(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("geheim"), 0o600); err != nil {
		t.Fatal(err)
	}
	issuer := newTokenServer(t, "geheim")
	stuck := http.HandlerFunc(hang)
	issuer.handle.Store(&stuck)
	c := serve(t, answer(200, oneRow), func(cfg *Config) {
		cfg.OAuth2 = &OAuth2{ClientID: "trimtab", ClientSecretFile: file, TokenURL: issuer.url, Scopes: []string{"read", "more"}}
		cfg.Timeout = config.Duration(200 * time.Millisecond)
	})
	errs := make(chan error)
	for range 5 {
		go func() { _, err := c.Query(t.Context(), "up", time.Now()); errs <- err }()
	}
	for range 5 {
		if kind, _ := KindOf(<-errs); kind != Timeout {
			t.Errorf("got %s", kind)
		}
	}
	issuer.handle.Store(nil)
	c.core.timeout = time.Minute
	if _, err := c.Query(t.Context(), "up", time.Now()); err != nil {
		t.Errorf("after it hung: %v", err)
	}
}
