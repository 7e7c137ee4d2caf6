package review

import (
	"time"

	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// Timeout bounds each TokenReview and SubjectAccessReview.
	Timeout = 10 * time.Second
	// TokenTTL is how long a TokenReview is believed; short, so that a token that was taken away ends soon.
	TokenTTL = 10 * time.Second
	// AllowedTTL is how long a permission is believed where nothing else is set. Longer than the time between two syncs of
	// an HPA, so that not every request asks the API server for another review.
	AllowedTTL = time.Minute
)

// Client asks for reviews, with so many requests a second and not more than burst at once, which count for nobody else.
func Client(cfg *rest.Config, qps float32, burst int) (kubernetes.Interface, error) {
	own := rest.CopyConfig(cfg)
	own.QPS, own.Burst, own.Timeout, own.RateLimiter = qps, burst, Timeout, nil
	return kubernetes.NewForConfig(own)
}

// NewAuthorizer asks for SubjectAccessReviews, and believes a permission for ttl; 0 is AllowedTTL.
func NewAuthorizer(client kubernetes.Interface, ttl time.Duration) (*Authorizer, error) {
	if ttl <= 0 {
		ttl = AllowedTTL
	}
	// What is remembered is remembered by the Authorizer; the library would keep its own copy, found more slowly.
	reviewed, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: client.AuthorizationV1(),
		WebhookRetryBackoff:       options.DefaultAuthWebhookRetryBackoff(),
	}.New()
	if err != nil {
		return nil, err
	}
	return Remember(reviewed, ttl, time.Now), nil
}
