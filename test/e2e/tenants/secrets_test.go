package tenants

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// secret is planted wherever a manifest can hold one.
const secret = "s3cr3t/M4RK+of-the-test"

// parameters are the parameters of both types that an authentication can give, right or wrong.
var parameters = []string{
	"address", "host", "port", "username", "password", "sentinelUsername", "sentinelPassword", "tls", "ca", "cert", "key", "keyPassword",
	"bearerToken", "customAuthHeader", "customAuthValue", "serverAddress", "query", "listName", "listLength", "threshold",
}

// shown are parameters that everybody can read in the object. They are no place for a secret, except for the user of an address.
var shown = []string{"address", "host", "port", "serverAddress", "query", "listName", "listLength", "threshold"}

// secrets: each parameter in turn holds the secret, through a Secret, a ConfigMap and inline; the servers refuse, and
// one repeats each request.
func (w *world) secrets(ctx context.Context, t *testing.T) {
	w.deployment(ctx, t)
	forms := map[string]string{
		"plain": secret, "address": "redis://:" + secret + "@" + w.fake.address, "userinfo": "http://user:" + url.QueryEscape(secret) + "@127.0.0.1:1/",
	}
	planted := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: attacker, Name: "planted"}, StringData: forms}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: attacker, Name: "planted"}, Data: forms}
	for _, err := range []error{w.Client.Create(ctx, planted), w.Client.Create(ctx, config)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var triggers []keda.ScaleTriggers
	for form := range forms {
		for _, p := range parameters {
			triggers = append(triggers, w.withSecret(ctx, t, p, form, forms[form])...)
		}
	}
	w.create(ctx, t, len(triggers), func(i int, so *keda.ScaledObject) {
		so.Spec.Triggers = triggers[i : i+1]
		so.Spec.PollingInterval = new(int32(1))
	})
	for i := range triggers {
		w.Wait(ctx, t, fmt.Sprintf("a-%d was polled", i), func(ctx context.Context) error {
			return w.polled(ctx, fmt.Sprintf("a-%d", i))
		})
	}
	for _, text := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte("user:" + secret)), "M4RK",
	} {
		w.prints(ctx, t, text)
	}
	w.unharmed(ctx, t)
}

// withSecret are triggers of both types. One parameter of each has the secret.
func (w *world) withSecret(ctx context.Context, t *testing.T, parameter, form, value string) (out []keda.ScaleTriggers) {
	t.Helper()
	for i, spec := range []keda.TriggerAuthenticationSpec{
		{SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: parameter, Name: "planted", Key: form}}},
		{ConfigMapTargetRef: []keda.AuthConfigMapTargetRef{{Parameter: parameter, Name: "planted", Key: form}}},
	} {
		name := fmt.Sprintf("%s-%s-%d", form, lower(parameter), i)
		ta := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: attacker, Name: name}, Spec: spec}
		if err := w.Client.Create(ctx, ta); err != nil {
			t.Fatal(err)
		}
		by := &keda.AuthenticationRef{Name: name}
		modes := map[string]string{"username": "basic", "bearerToken": "bearer"}[parameter] // alone they are enough to be sent
		if modes == "" {
			modes = "basic,custom"
		}
		prometheus := w.prometheus("echo", "authModes", modes)
		redis := keda.ScaleTriggers{Type: "redis", Metadata: map[string]string{"address": w.redis.Address, "listName": "jobs"}}
		if parameter == "address" || parameter == "host" || parameter == "port" {
			delete(redis.Metadata, "address")
		}
		prometheus.AuthenticationRef, redis.AuthenticationRef = by, by
		out = append(out, prometheus, redis)
	}
	prometheus := w.prometheus("echo", "customHeaders", "X-Key="+value, "queryParameters", "token="+value)
	redis := keda.ScaleTriggers{Type: "redis", Metadata: map[string]string{"address": w.redis.Address, "listName": "jobs"}}
	if !slices.Contains(shown, parameter) || form != "plain" && (parameter == "address" || parameter == "serverAddress") {
		prometheus.Metadata[parameter], redis.Metadata[parameter] = value, value
	}
	return append(out, prometheus, redis)
}

// polled is whether an object's status tells how it stands.
func (w *world) polled(ctx context.Context, name string) error {
	err := w.ready(ctx, attacker, name, metav1.ConditionFalse, "")
	if err == nil || w.ready(ctx, attacker, name, metav1.ConditionTrue, "") == nil {
		return nil
	}
	return err
}

// lower makes a name of Kubernetes of a parameter's.
func lower(parameter string) string { return strings.ToLower(parameter) }
