package scalers

import (
	"context"
	"errors"
	"fmt"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/text"
)

// authReader resolves TriggerAuthentications. It reads Secrets and ConfigMaps directly and does not cache them. So the
// process holds only the objects that a trigger names, and needs no right to list them.
type authReader struct {
	cached client.Reader
	live   client.Reader
}

// mistake says that an authentication is wrong, and not only that it could not be read.
type mistake struct{ error }

func (m mistake) Unwrap() error { return m.error }

// isMistake is whether err says what is wrong with an authentication: it names what does not exist, or does not fit.
func isMistake(err error) bool {
	_, wrong := errors.AsType[mistake](err)
	return wrong || apierrors.IsNotFound(err)
}

// resolve returns the parameters that ref stands for, and a mark that changes when the
// TriggerAuthentication does. A missing object or key is an error: an empty password is no password.
func (a authReader) resolve(ctx context.Context, namespace string, ref *keda.AuthenticationRef) (map[string]string, error) {
	ta, err := a.authentication(ctx, namespace, ref)
	if err != nil {
		return nil, err
	}
	if err := checkAuthentication(&ta.Spec); err != nil {
		return nil, mistake{fmt.Errorf("TriggerAuthentication %s/%s: %w", namespace, ref.Name, err)}
	}
	out := map[string]string{}
	for i, t := range ta.Spec.SecretTargetRef {
		path := fmt.Sprintf("TriggerAuthentication %s/%s: spec.secretTargetRef[%d] (%s)", namespace, ref.Name, i, t.Parameter)
		var secret corev1.Secret
		if err := a.live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: t.Name}, &secret); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		v, ok := secret.Data[t.Key]
		if !ok {
			return nil, mistake{fmt.Errorf("%s: the Secret %q has no key %q", path, t.Name, t.Key)}
		}
		out[t.Parameter] = string(v)
	}
	for i, t := range ta.Spec.ConfigMapTargetRef {
		path := fmt.Sprintf("TriggerAuthentication %s/%s: spec.configMapTargetRef[%d] (%s)", namespace, ref.Name, i, t.Parameter)
		var cm corev1.ConfigMap
		if err := a.live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: t.Name}, &cm); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		v, ok := cm.Data[t.Key]
		if !ok {
			return nil, mistake{fmt.Errorf("%s: the ConfigMap %q has no key %q", path, t.Name, t.Key)}
		}
		out[t.Parameter] = v
	}
	return out, nil
}

func (a authReader) authentication(ctx context.Context, namespace string, ref *keda.AuthenticationRef) (*keda.TriggerAuthentication, error) {
	if err := checkAuthenticationRef(ref); err != nil {
		return nil, err
	}
	var ta keda.TriggerAuthentication
	if err := a.cached.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, &ta); err != nil {
		return nil, fmt.Errorf("authenticationRef.name: %w", err)
	}
	return &ta, nil
}

// mark changes when the TriggerAuthentication of ref does. It needs no request.
func (a authReader) mark(ctx context.Context, namespace string, ref *keda.AuthenticationRef) string {
	if ta, err := a.authentication(ctx, namespace, ref); err == nil {
		return string(ta.UID) + "/" + ta.ResourceVersion
	}
	return ""
}

// checkAuthenticationRef refuses a reference that no cluster can resolve.
func checkAuthenticationRef(ref *keda.AuthenticationRef) error {
	switch {
	case ref.Kind != "" && ref.Kind != "TriggerAuthentication":
		return fmt.Errorf("authenticationRef.kind: %q is not supported; supported: TriggerAuthentication", ref.Kind)
	case ref.Name == "":
		return errors.New("authenticationRef.name: is required")
	default:
		return nil
	}
}

// checkAuthentication refuses the parts of a TriggerAuthentication that are neither Secrets nor ConfigMaps, and
// references that no cluster can resolve. The error has one line for each.
func checkAuthentication(s *keda.TriggerAuthenticationSpec) error {
	var errs []error
	for _, p := range []struct {
		name string
		used bool
	}{
		{"podIdentity", s.PodIdentity != nil && s.PodIdentity.Provider != keda.PodIdentityProviderNone},
		{"env", len(s.Env) > 0}, {"filePath", s.FilePath != ""}, {"hashiCorpVault", s.HashiCorpVault != nil},
		{"azureKeyVault", s.AzureKeyVault != nil}, {"gcpSecretManager", s.GCPSecretManager != nil},
		{"awsSecretManager", s.AwsSecretManager != nil}, {"boundServiceAccountToken", len(s.BoundServiceAccountToken) > 0},
		{"oauth2", s.OAuth2 != nil}, {"azureServicePrincipal", s.AzureServicePrincipal != nil},
	} {
		if p.used {
			errs = append(errs, fmt.Errorf("spec.%s: is not supported; supported: secretTargetRef, configMapTargetRef", p.name))
		}
	}
	target := func(path string, values ...string) {
		for i, key := range []string{"parameter", "name", "key"} {
			if values[i] == "" {
				errs = append(errs, fmt.Errorf("spec.%s.%s: is required", path, key))
			}
		}
	}
	for i, t := range s.SecretTargetRef {
		target(fmt.Sprintf("secretTargetRef[%d]", i), t.Parameter, t.Name, t.Key)
	}
	for i, t := range s.ConfigMapTargetRef {
		target(fmt.Sprintf("configMapTargetRef[%d]", i), t.Parameter, t.Name, t.Key)
	}
	return text.Join(errs...)
}
