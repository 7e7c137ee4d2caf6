package tenants

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// hangingStatuses: 320 objects in 8 namespaces. No write of their status is answered. That is more than trimtab
// writes at the same time.
func (w *world) hangingStatuses(ctx context.Context, t *testing.T) {
	asked := w.hangOn(ctx, t, admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Update},
		Rule:       admissionv1.Rule{APIGroups: []string{"keda.sh"}, APIVersions: []string{"*"}, Resources: []string{"scaledobjects/status"}},
	})
	var namespaces []string
	defer func() { w.clear(context.WithoutCancel(ctx), t, namespaces...) }()
	for i := range 8 {
		namespace := fmt.Sprintf("%s-%d", attacker, i)
		err := w.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"hangs": "true"}}})
		if err != nil {
			t.Fatal(err)
		}
		namespaces = append(namespaces, namespace)
		for j := range 40 {
			so := &keda.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("a-%d", j)}}
			so.Spec.ScaleTargetRef, so.Spec.PollingInterval = &keda.ScaleTarget{Name: "victim"}, new(int32(1))
			so.Spec.Triggers = []keda.ScaleTriggers{w.prometheus("one")}
			if err := w.Client.Create(ctx, so); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Wait(ctx, t, "writes of statuses hang", reached(asked, 20))
	w.unharmed(ctx, t)
	late := &keda.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: neighbour, Name: "late"}}
	late.Spec.ScaleTargetRef, late.Spec.Triggers = &keda.ScaleTarget{Name: "nothing"}, []keda.ScaleTriggers{w.prometheus("one")}
	if err := w.Client.Create(ctx, late); err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "a status of the neighbour's is written", func(ctx context.Context) error {
		return w.ready(ctx, neighbour, "late", metav1.ConditionFalse, "does not exist")
	})
	if err := w.Client.Delete(ctx, late); err != nil {
		t.Fatal(err)
	}
}

// hangOn makes the API server wait for a webhook that never answers, in the namespaces that have the label hangs. The
// counter is how often it was called.
func (w *world) hangOn(ctx context.Context, t *testing.T, rule admissionv1.RuleWithOperations) *atomic.Int64 {
	t.Helper()
	var asked atomic.Int64
	hook := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client has gone
		<-r.Context().Done()
	}))
	t.Cleanup(hook.Close)
	configuration := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "hangs"},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: "hangs.example.com", Rules: []admissionv1.RuleWithOperations{rule},
			ClientConfig: admissionv1.WebhookClientConfig{
				URL:      new(hook.URL),
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hook.Certificate().Raw}),
			},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"hangs": "true"}},
			SideEffects:       new(admissionv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"}, TimeoutSeconds: new(int32(30)),
		}},
	}
	if err := w.Client.Create(ctx, configuration); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Client.Delete(context.WithoutCancel(ctx), configuration); err != nil {
			t.Error(err)
		}
	})
	return &asked
}
