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
	// TokenTTL is how long a TokenReview is cached. It is short, so that a revoked token ends soon.
	TokenTTL = 10 * time.Second
	// AllowedTTL is the default time for which a permission is cached. It is longer than the HPA's sync period, so that
	// not every request of an HPA needs a new review.
	AllowedTTL = time.Minute
)

// Client sends reviews with its own budget: qps requests a second, at most burst at once.
func Client(cfg *rest.Config, qps float32, burst int) (kubernetes.Interface, error) {
	own := rest.CopyConfig(cfg)
	own.QPS, own.Burst, own.Timeout, own.RateLimiter = qps, burst, Timeout, nil
	return kubernetes.NewForConfig(own)
}

// NewAuthorizer sends SubjectAccessReviews, and caches a permission for ttl; 0 is AllowedTTL.
func NewAuthorizer(client kubernetes.Interface, ttl time.Duration) (*Authorizer, error) {
	if ttl <= 0 {
		ttl = AllowedTTL
	}
	// The Authorizer caches decisions. The library's own cache would be a second copy, and slower.
	reviewed, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: client.AuthorizationV1(),
		WebhookRetryBackoff:       options.DefaultAuthWebhookRetryBackoff(),
	}.New()
	if err != nil {
		return nil, err
	}
	return Remember(reviewed, ttl, time.Now), nil
}
