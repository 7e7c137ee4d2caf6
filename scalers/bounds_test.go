package scalers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// An object that asks for more than a bound allows is kept within it, and its condition says so.
func TestBoundsAreTold(t *testing.T) {
	so := scaledObject(t, web)
	so.Spec.PollingInterval = new(int32(1))
	so.Spec.Triggers[0].Metadata["timeout"] = "24h"
	h := newHarness(t, so)
	h.cfg.MinPollingInterval = h.cfg.PollingInterval
	h.poll(0)
	const limited = "limited: spec.pollingInterval: 1s is below scalers.minPollingInterval; it is polled every 30s; " +
		"trigger 0 (queue): timeout: 24h0m0s is above scalers.maxTriggerTimeout; a reading ends after 30s"
	if got := h.condition(keda.ConditionReady); got != "True ScaledObjectReady: every trigger can be read and the target can be scaled; "+limited {
		t.Errorf("Ready %s", got)
	}
	if got := h.events(); got != "Normal ScaledObjectReady, Warning ScaledObjectLimited" {
		t.Errorf("events %s", got)
	}
	if next := h.round("web"); next < time.Second {
		t.Errorf("it is polled again after %s", next)
	}
}

// An object that is too large is refused before anything of it is opened; its error names the bound.
func TestLargeObjectsAreRefused(t *testing.T) {
	for want, change := range map[string]func(*keda.ScaledObject){
		"spec.triggers: 2000 triggers are more than 100; split the object, or raise scalers.maxTriggers": func(so *keda.ScaledObject) {
			so.Spec.Triggers = hostile(t, 1, 2000)[0].(*keda.ScaledObject).Spec.Triggers
		},
		"spec.triggers[0].metadata: 5001 parameters are more than 100; take some out, or raise scalers.maxTriggerParameters": func(so *keda.ScaledObject) {
			for i := range 5000 {
				so.Spec.Triggers[0].Metadata[fmt.Sprint("x", i)] = "y"
			}
		},
		"spec.triggers[0].metadata: 65550 bytes are more than 65536; shorten the values, or raise scalers.maxTriggerBytes": func(so *keda.ScaledObject) {
			so.Spec.Triggers[0].Metadata["x"] = strings.Repeat("y", 64<<10-1+5)
		},
	} {
		so := scaledObject(t, web)
		change(so)
		h := newHarness(t, so)
		h.poll(0)
		if got := h.condition(keda.ConditionReady); got != "False ScaledObjectCheckFailed: "+want {
			t.Errorf("Ready %.300s\nwant %s", got, want)
		}
		doc, err := yaml.Marshal(so)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := CheckManifest("f", "ScaledObject", doc, nil); err == nil || err.Error() != "f: "+want {
			t.Errorf("the check of a file says %.300v", err)
		}
		if len(h.opened) > 0 {
			t.Errorf("%d of its triggers were opened", len(h.opened))
		}
		if _, err := h.metric("s0-queue-a"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("an HPA is answered %.300v", err)
		}
	}
}

// One TriggerAuthentication that all triggers of an object name is resolved and held once, and may not be long.
func TestAuthenticationIsSharedAndBounded(t *testing.T) {
	auth := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: keda.TriggerAuthenticationSpec{
		SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "password", Name: "s", Key: "pw"}},
	}}
	so := scaledObject(t, web)
	so.Spec.Triggers = nil
	for i := range 10 {
		so.Spec.Triggers = append(so.Spec.Triggers, keda.ScaleTriggers{
			Type: "queue", Metadata: map[string]string{"key": fmt.Sprint("k", i)}, AuthenticationRef: &keda.AuthenticationRef{Name: "auth"},
		})
	}
	for _, c := range []struct {
		length int
		ready  string
	}{
		{100, "True ScaledObjectReady"},
		{64 << 10, "False ScaledObjectCheckFailed: trigger 0 (queue): TriggerAuthentication shop/auth: its values have 65544 bytes, more than 65536; take out what no trigger needs, or raise scalers.maxTriggerBytes"},
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s"}, Data: map[string][]byte{"pw": []byte(strings.Repeat("x", c.length))}}
		h := newHarness(t, so.DeepCopy(), auth.DeepCopy(), secret)
		h.outage = &outage{at: -1}
		h.poll(0)
		if n := h.calls("get s"); n != 1 {
			t.Errorf("the Secret was read %d times", n)
		}
		if got := h.condition(keda.ConditionReady); !strings.HasPrefix(got, c.ready) {
			t.Errorf("Ready %.300s, want %s", got, c.ready)
		}
	}
}
