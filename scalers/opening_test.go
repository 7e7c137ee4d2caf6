package scalers

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// withSecret is the object under test, whose trigger has a password from a Secret.
func withSecret(t *testing.T) *harness {
	t.Helper()
	so := scaledObject(t, web)
	so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "auth"}
	return newHarness(t, so,
		&keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: keda.TriggerAuthenticationSpec{
			SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "password", Name: "s", Key: "pw"}},
		}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s"}, Data: map[string][]byte{"pw": []byte("old")}})
}

// An HPA does not wait for a Secret: kube-controller-manager has few workers. What is open answers while the Secret is
// read again; where nothing is open, the request ends as soon as one that waits for a source.
func TestAnHPADoesNotWaitForASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := withSecret(t)
		h.clock = time.Time{}
		h.set("a", 3)
		h.round("web")
		h.silence("s")
		time.Sleep(h.cfg.AuthRefreshInterval.Std() + time.Second)
		began := time.Now()
		for range 3 {
			if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=3" {
				t.Errorf("while the Secret is read again: %s, %v", got, err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("three answers took %s while the Secret is read again", took)
		}
		synctest.Wait()
		time.Sleep(callTimeout)
		h.edit(cooler)
		began = time.Now()
		_, err := h.metric("s0-queue-a")
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "its authentication is still being read") || took > patience {
			t.Errorf("after %s the edited object says %v", took, err)
		}
		time.Sleep(callTimeout) // the reading goes on, and ends
		h.silence("")
		time.Sleep(time.Minute)
		if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=3" {
			t.Errorf("when the Secret can be read: %s, %v", got, err)
		}
	})
}

// A Secret or a TriggerAuthentication that went does not stop a trigger that is open, and its owner is told: the next
// leader, or the next edit, could not open it.
func TestAuthenticationThatWentIsTold(t *testing.T) {
	for _, c := range []struct {
		gone client.Object
		says string
	}{
		{&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s"}}, `secrets "s" not found`},
		{&keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}}, `triggerauthentications.keda.sh "auth" not found`},
	} {
		h := withSecret(t)
		h.set("a", 9)
		h.poll(0)
		gone := c.gone.DeepCopyObject().(client.Object)
		if err := h.client.Get(t.Context(), client.ObjectKeyFromObject(gone), gone); err != nil {
			t.Fatal(err)
		}
		h.remove(gone)
		for range 8 {
			h.poll(time.Minute)
		}
		if got := h.condition(keda.ConditionReady); !strings.HasPrefix(got, "True") || !strings.Contains(got, c.says) || !strings.Contains(got, "what was read before is used") {
			t.Errorf("when it is gone: Ready %s, want %s", got, c.says)
		}
		gone.SetResourceVersion("")
		if err := h.client.Create(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			h.poll(time.Minute)
		}
		if got := h.condition(keda.ConditionReady); !strings.HasPrefix(got, "True") || strings.Contains(got, "not found") {
			t.Errorf("when it is there again: Ready %s", got)
		}
		if len(h.opened) != 1 {
			t.Errorf("the trigger was opened %d times", len(h.opened))
		}
	}
}
