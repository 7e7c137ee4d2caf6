package api

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/path"
	"k8s.io/apiserver/pkg/authorization/union"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/trimtab/trimtab/internal/review"
)

const (
	// The API server publishes the CAs of its clients and of its front proxy in this configmap.
	authNamespace = metav1.NamespaceSystem
	authConfigMap = "extension-apiserver-authentication"
)

// delegate asks the API server of the cluster who a client is and what it may do.
type delegate struct {
	// reviews has a time-out for each request, and its own rate limit, high enough not to slow the API.
	reviews kubernetes.Interface
	// headers follows the front proxy's CA and header names, and is started with the server.
	headers *options.DynamicRequestHeaderController
	clients dynamiccertificates.CAContentProvider
}

func newDelegate(ctx context.Context, cfg *rest.Config) (*delegate, error) {
	watching := rest.CopyConfig(cfg)
	watching.RateLimiter = nil
	watching.Timeout = 0 // a time-out would end the watch as well
	reviews, err := review.Client(cfg, 200, 400)
	if err != nil {
		return nil, err
	}
	watches, err := kubernetes.NewForConfig(watching)
	if err != nil {
		return nil, err
	}
	// A missing permission is an error now, with its name. Otherwise all requests would be refused later.
	if _, err := reviews.CoreV1().ConfigMaps(authNamespace).Get(ctx, authConfigMap, metav1.GetOptions{}); err != nil {
		return nil, fmt.Errorf("read configmap %s/%s, which tells how clients are recognised: %w", authNamespace, authConfigMap, err)
	}
	clients, err := caFromConfigMap("client-ca", "client-ca-file", watches)
	if err != nil {
		return nil, err
	}
	proxies, err := caFromConfigMap("request-header", "requestheader-client-ca-file", watches)
	if err != nil {
		return nil, err
	}
	return &delegate{reviews: reviews, clients: clients, headers: &options.DynamicRequestHeaderController{
		ConfigMapCAController: proxies,
		RequestHeaderAuthRequestController: headerrequest.NewRequestHeaderAuthRequestController(
			authConfigMap, authNamespace, watches,
			"requestheader-username-headers", "requestheader-uid-headers", "requestheader-group-headers",
			"requestheader-extra-headers-prefix", "requestheader-allowed-names"),
	}}, nil
}

func caFromConfigMap(purpose, key string, client kubernetes.Interface) (*dynamiccertificates.ConfigMapCAController, error) {
	return dynamiccertificates.NewDynamicCAFromConfigMapController(purpose, authNamespace, authConfigMap, key, client)
}

// ready is nil once the front proxy's CA is known. Without the CA, requests from the API server are refused.
func (d *delegate) ready() error {
	if _, ok := d.headers.VerifyOptions(); !ok {
		return fmt.Errorf("the front proxy's CA in configmap %s/%s is not read yet", authNamespace, authConfigMap)
	}
	return nil
}

func (d *delegate) authenticate(c *genericapiserver.Config) error {
	headers := &authenticatorfactory.RequestHeaderConfig{
		CAContentProvider:   d.headers,
		UsernameHeaders:     headerrequest.StringSliceProviderFunc(d.headers.UsernameHeaders),
		UIDHeaders:          headerrequest.StringSliceProviderFunc(d.headers.UIDHeaders),
		GroupHeaders:        headerrequest.StringSliceProviderFunc(d.headers.GroupHeaders),
		ExtraHeaderPrefixes: headerrequest.StringSliceProviderFunc(d.headers.ExtraHeaderPrefixes),
		AllowedClientNames:  headerrequest.StringSliceProviderFunc(d.headers.AllowedClientNames),
	}
	authenticator, _, err := authenticatorfactory.DelegatingAuthenticatorConfig{
		Anonymous:                          &apiserver.AnonymousAuthConfig{Enabled: true},
		TokenAccessReviewClient:            d.reviews.AuthenticationV1(),
		TokenAccessReviewTimeout:           review.Timeout,
		WebhookRetryBackoff:                options.DefaultAuthWebhookRetryBackoff(),
		CacheTTL:                           review.TokenTTL,
		ClientCertificateCAContentProvider: d.clients,
		RequestHeaderConfig:                headers,
	}.New()
	if err != nil {
		return err
	}
	c.Authentication.Authenticator = authenticator
	c.Authentication.RequestHeaderConfig = headers
	if err := c.Authentication.ApplyClientCert(d.clients, c.SecureServing); err != nil {
		return err
	}
	return c.Authentication.ApplyClientCert(d.headers, c.SecureServing)
}

// authorize lets health checks and system:masters through and asks about everyone else.
func (d *delegate) authorize(c *genericapiserver.Config, ttl time.Duration) error {
	health, err := path.NewAuthorizer([]string{"/healthz", "/readyz", "/livez"})
	if err != nil {
		return err
	}
	reviewed, err := review.NewAuthorizer(d.reviews, ttl)
	if err != nil {
		return err
	}
	named := func(name string, a authorizer.Authorizer) union.NamedAuthorizer {
		return union.NamedAuthorizer{AuthorizerName: "trimtab.io/" + name, Authorizer: a}
	}
	c.Authorization.Authorizer, err = union.New(
		named("masters", authorizerfactory.NewPrivilegedGroups("system:masters")),
		named("health", health),
		named("review", reviewed),
	)
	return err
}
