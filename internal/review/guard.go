package review

import (
	"fmt"
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes"
)

// Guard passes a request to next if the API server recognises its bearer token (TokenReview), and if the token's user
// may get its path (SubjectAccessReview of the nonResourceURL). A certificate, a header or an address gives no access.
// It answers 401 and 403, and 503 while the API server cannot be asked.
func Guard(client kubernetes.Interface, next http.Handler) (http.Handler, error) {
	tokens, _, err := authenticatorfactory.DelegatingAuthenticatorConfig{
		TokenAccessReviewClient:  client.AuthenticationV1(),
		TokenAccessReviewTimeout: Timeout,
		WebhookRetryBackoff:      options.DefaultAuthWebhookRetryBackoff(),
		CacheTTL:                 TokenTTL,
	}.New()
	if err != nil {
		return nil, fmt.Errorf("review of tokens: %w", err)
	}
	rights, err := NewAuthorizer(client, 0)
	if err != nil {
		return nil, fmt.Errorf("review of rights: %w", err)
	}
	return guard{tokens, rights, next}, nil
}

type guard struct {
	tokens authenticator.Request
	rights authorizer.Authorizer
	next   http.Handler
}

// ServeHTTP implements http.Handler.
func (g guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, known, err := g.tokens.AuthenticateRequest(r) // removes the header
	switch {
	case err != nil && !strings.Contains(err.Error(), "invalid bearer token"):
		http.Error(w, "the API server cannot be asked who this is; try again", http.StatusServiceUnavailable)
		return
	case err != nil || !known:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "a bearer token that the API server knows is required", http.StatusUnauthorized)
		return
	}
	verb, path := strings.ToLower(r.Method), r.URL.Path
	decision, _, err := g.rights.Authorize(r.Context(), authorizer.AttributesRecord{User: who.User, Verb: verb, Path: path})
	switch {
	case err != nil:
		http.Error(w, "the API server cannot be asked what this user may do; try again", http.StatusServiceUnavailable)
	case decision != authorizer.DecisionAllow:
		http.Error(w, fmt.Sprintf("user %.200q needs the right to %s the nonResourceURL %.200s", who.User.GetName(), verb, path), http.StatusForbidden)
	default:
		g.next.ServeHTTP(w, r)
	}
}
