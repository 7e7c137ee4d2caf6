package scalers

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/spec"
)

// What no watch reports is tried again soon, however long it has failed: an hour of trouble must not cost minutes
// after its end.
func TestWhatIsMendedUnseenIsNoticedSoon(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s"}, Data: map[string][]byte{"pw": []byte("old")}}
	for _, c := range []struct {
		name         string
		breaks, mend func(*harness)
	}{
		{
			"the password in the Secret is wrong", func(h *harness) { h.fail("a") }, func(h *harness) {
				changed := secret.DeepCopy()
				changed.Data["pw"] = []byte("new")
				h.replace(changed)
				h.during = func() {
					h.mu.Lock()
					defer h.mu.Unlock()
					if h.opened[len(h.opened)-1].Auth["password"] == "new" {
						h.set("a", 9)
					}
				}
			},
		},
		{
			"the Secret does not exist", func(h *harness) { h.remove(secret.DeepCopy()) },
			func(h *harness) {
				if err := h.client.Create(h.t.Context(), secret.DeepCopy()); err != nil {
					h.t.Fatal(err)
				}
			},
		},
		{
			"the API server is away", func(h *harness) {
				h.refuse = &url.Error{Op: "Put", URL: "https://10.0.0.1", Err: syscall.ECONNREFUSED}
			}, func(h *harness) { h.refuse = nil },
		},
		{
			"the API server is overloaded",
			func(h *harness) { h.refuse = apierrors.NewTooManyRequests("later", 1) }, func(h *harness) { h.refuse = nil },
		},
		{
			"a webhook is away",
			func(h *harness) { h.refuse = apierrors.NewInternalError(errors.New("failed calling webhook")) }, func(h *harness) { h.refuse = nil },
		},
		{
			"a target that no watch tells of does not exist",
			func(h *harness) {
				delete(h.replicas, "web")
				h.edit(func(so *keda.ScaledObject) {
					so.Spec.ScaleTargetRef.APIVersion, so.Spec.ScaleTargetRef.Kind = "argoproj.io/v1alpha1", "Rollout"
				})
			}, func(h *harness) { h.replicas["web"] = 0 },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			mapper := meta.NewDefaultRESTMapper(nil)
			addKinds(mapper)
			mapper.Add(schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}, meta.RESTScopeNamespace)
			so := scaledObject(t, web)
			so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "auth"}
			auth := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: keda.TriggerAuthenticationSpec{
				SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "password", Name: "s", Key: "pw"}},
			}}
			h := newHarnessOn(t, mapper, so, auth, secret.DeepCopy())
			h.set("a", 9)
			c.breaks(h)
			h.outage = &outage{at: -1}
			for range 120 {
				h.poll(30 * time.Second)
				h.events() // the recorder holds few
			}
			if got := h.condition(keda.ConditionReady); !strings.HasPrefix(got, "False") || h.replicas["web"] != 0 {
				t.Fatalf("Ready %s, %d replicas, while it is broken", got, h.replicas["web"])
			}
			c.mend(h)
			for range 2 { // a poll that looks at it again, and one that decides on that
				h.poll(30 * time.Second)
			}
			if got := h.condition(keda.ConditionReady); !strings.HasPrefix(got, "True") || h.replicas["web"] != 1 {
				t.Errorf("a minute after it was mended: Ready %s, %d replicas", got, h.replicas["web"])
			}
		})
	}
}

// What an open trigger authenticates with is gone: that is the error as soon as a reading fails. A trigger that works stays in
// use, and so does one of which the API server does not tell.
func TestADeletedSecretIsTheErrorOfATriggerThatFails(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s"}, Data: map[string][]byte{"pw": []byte("old")}}
	auth := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: keda.TriggerAuthenticationSpec{
		SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "password", Name: "s", Key: "pw"}},
	}}
	for _, c := range []struct {
		name, want string
		happens    func(*harness)
	}{
		{"the Secret is deleted, and the trigger works", "", func(h *harness) { h.remove(secret.DeepCopy()) }},
		{"the Secret is deleted", `TriggerAuthentication shop/auth: spec.secretTargetRef[0] (password): secrets "s" not found`, func(h *harness) {
			h.fail("a")
			h.remove(secret.DeepCopy())
		}},
		{"its key is deleted", `the Secret "s" has no key "pw"`, func(h *harness) {
			changed := secret.DeepCopy()
			changed.Data = nil
			h.fail("a")
			h.replace(changed)
		}},
		{"the TriggerAuthentication is deleted", `"auth" not found`, func(h *harness) {
			h.fail("a")
			h.remove(auth.DeepCopy())
		}},
		{"the TriggerAuthentication is deleted, and the trigger works", "", func(h *harness) { h.remove(auth.DeepCopy()) }},
		{"the TriggerAuthentication becomes wrong", `spec.filePath: is not supported`, func(h *harness) {
			h.fail("a")
			changed := auth.DeepCopy()
			if err := h.client.Get(h.t.Context(), client.ObjectKeyFromObject(auth), changed); err != nil {
				h.t.Fatal(err)
			}
			changed.Spec.FilePath = "x"
			h.replace(changed)
		}},
		{"the API server is away", "", func(h *harness) {
			h.fail("a")
			h.outage = &outage{rest: true}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			so := scaledObject(t, web)
			so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "auth"}
			h := newHarness(t, so, auth.DeepCopy(), secret.DeepCopy())
			opened, err := h.triggers.open(t.Context(), spec.OwnerOf(so))
			if err != nil {
				t.Fatal(err)
			}
			c.happens(h)
			opened.opened[0].read(t.Context(), 0)
			h.clock = h.clock.Add(h.triggers.refresh)
			set, err := h.triggers.open(t.Context(), spec.OwnerOf(so))
			if c.want == "" && (err != nil || h.closed != 0) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || set != nil || h.open() != 0) {
				t.Errorf("got %v, %d closed, %d open; want %q", err, h.closed, h.open(), c.want)
			}
		})
	}
}

// replace writes o as it is, remove deletes it.
func (h *harness) replace(o client.Object) {
	h.t.Helper()
	if err := h.client.Update(h.t.Context(), o); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) remove(o client.Object) {
	h.t.Helper()
	if err := h.client.Delete(h.t.Context(), o); err != nil {
		h.t.Fatal(err)
	}
}

// The Secrets of what fails in a namespace are read about once a second, however many objects name them; those of an
// object alone each half a minute.
func TestAuthenticationThatFailsCostsANamespaceLittle(t *testing.T) {
	auth := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: keda.TriggerAuthenticationSpec{
		SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "password", Name: "s", Key: "pw"}},
	}}
	h := newHarness(t, auth)
	var all []*keda.ScaledObject
	for i := range 200 {
		so := scaledObject(t, web)
		so.Name, so.UID = fmt.Sprint("web-", i), types.UID(fmt.Sprint("u", i))
		so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "auth"}
		all = append(all, so)
	}
	read := func(objects []*keda.ScaledObject) int {
		h.outage = &outage{at: -1}
		for range 20 * 60 {
			h.clock = h.clock.Add(time.Second)
			for _, so := range objects {
				if _, err := h.triggers.open(t.Context(), spec.OwnerOf(so)); err == nil {
					t.Fatal("a Secret that does not exist is no error")
				}
			}
		}
		return h.calls("get s")
	}
	read(all)
	if n := read(all); n < 1000 || n > 1500 {
		t.Errorf("%d Secrets were read in 20 minutes, want 1000 to 1500", n)
	}
	for _, so := range all[1:] {
		h.loop.forget(client.ObjectKeyFromObject(so))
	}
	read(all[:1])
	if n := read(all[:1]); n < 40 || n > 50 {
		t.Errorf("%d Secrets of one object were read in 20 minutes, want 40 to 50", n)
	}
	h.loop.forget(client.ObjectKeyFromObject(all[0]))
	if len(h.triggers.failing) != 0 {
		t.Errorf("what is gone counts: %v", h.triggers.failing)
	}
}
