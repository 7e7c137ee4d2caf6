package prom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	promconfig "github.com/prometheus/common/config"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/text"
)

// tokens adds an OAuth2 token to requests. prometheus/common can do so too, but waits for its token server without a
// limit. Here a request waits only until its own deadline.
type tokens struct {
	cfg    OAuth2
	server string
	next   http.RoundTripper
	client *http.Client
	// held has the current token. A receiver puts a token back.
	held chan heldToken
}

// heldToken is a token and the secret with which it was obtained.
type heldToken struct {
	token  *oauth2.Token
	secret string
}

func newTokens(cfg OAuth2, next http.RoundTripper) (*tokens, error) {
	server, err := url.Parse(cfg.TokenURL)
	if err != nil {
		return nil, errors.New("oauth2.tokenUrl is not a URL")
	}
	sender, err := cfg.TLS.transport()
	if err != nil {
		return nil, fmt.Errorf("oauth2: %w", err)
	}
	client := &http.Client{Transport: promconfig.NewUserAgentRoundTripper(userAgent, sender), CheckRedirect: fetch.Stay}
	t := &tokens{cfg: cfg, server: server.Scheme + "://" + server.Host, next: next, client: client, held: make(chan heldToken, 1)}
	t.held <- heldToken{}
	return t, nil
}

// RoundTrip implements http.RoundTripper. A token that the server refuses is not used again.
func (t *tokens) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := t.token(req.Context())
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	req = req.Clone(req.Context())
	token.SetAuthHeader(req)
	resp, err := t.next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		t.drop(token)
	}
	return resp, err
}

// token is the current token. It is a new one if the old one has expired or the file with the secret has changed.
func (t *tokens) token(ctx context.Context) (*oauth2.Token, error) {
	select {
	case held := <-t.held:
		held, err := t.renew(ctx, held)
		t.held <- held
		return held.token, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *tokens) renew(ctx context.Context, held heldToken) (heldToken, error) {
	secret, err := config.ReadFile(t.cfg.ClientSecretFile, config.MaxSecretBytes)
	if err != nil {
		return held, fmt.Errorf("oauth2.clientSecretFile: %w", err)
	}
	secret = bytes.TrimSpace(secret)
	if held.token.Valid() && held.secret == string(secret) {
		return held, nil
	}
	cfg := clientcredentials.Config{ClientID: t.cfg.ClientID, ClientSecret: string(secret), TokenURL: t.cfg.TokenURL, Scopes: t.cfg.Scopes}
	token, err := cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return heldToken{}, t.failure(err, string(secret))
	}
	return heldToken{token, string(secret)}, nil
}

// failure repeats nothing from the token server except its error code, and not the secret in it.
func (t *tokens) failure(err error, secret string) error {
	var sent text.Secrets
	sent.Add(secret)
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("no token from %s: HTTP %d %s", t.server, refused.Response.StatusCode, sent.Hide(text.Line(refused.ErrorCode)))
	}
	if broken, ok := errors.AsType[*url.Error](err); ok {
		err = broken.Err
	}
	return fmt.Errorf("no token from %s: %w", t.server, err)
}

func (t *tokens) drop(refused *oauth2.Token) {
	held := <-t.held // no request holds it longer than its own time-out
	if held.token == refused {
		held.token = nil
	}
	t.held <- held
}

// CloseIdleConnections closes idle connections.
func (t *tokens) CloseIdleConnections() {
	t.client.CloseIdleConnections()
	closeIdle(t.next)
}
