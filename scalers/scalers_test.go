package scalers

import (
	"errors"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllertest"

	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/hpa"
)

// From zero to one, up by the HPA, through an error, and back to zero: what is written at each poll.
func TestTheLoopFromZeroAndBack(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	for i, step := range []struct {
		prepare  func()
		writes   string
		events   string
		replicas int32
	}{
		{func() { h.set("a", 0) }, "create keda-hpa-web, status web", "Normal ScaledObjectReady", 0},
		{func() {}, "", "", 0},
		{func() { h.set("a", 12) }, "scale web 1, status web", "Normal KEDAScaleTargetActivated", 1},
		{func() { h.replicas["web"] = 3 }, "", "", 3},
		{func() { h.fail("a") }, "status web", "Warning KEDAScalerFailed", 3},
		{func() {}, "", "", 3},
		{func() {}, "", "", 3}, // an error outlasts the cooldown, and nothing is scaled in
		{func() { h.set("a", 0) }, "scale web 0, status web", "Normal KEDAScaleTargetDeactivated, Normal ScaledObjectReady", 0},
		{func() {}, "", "", 0},
	} {
		step.prepare()
		if got := h.poll(30 * time.Second); got != step.writes {
			t.Errorf("poll %d: wrote %q, want %q", i, got, step.writes)
		}
		if got := h.events(); got != step.events {
			t.Errorf("poll %d: events %q, want %q", i, got, step.events)
		}
		if h.replicas["web"] != step.replicas {
			t.Errorf("poll %d: %d replicas, want %d", i, h.replicas["web"], step.replicas)
		}
	}
	so := h.object()
	if s := so.Status; s.HpaName != "keda-hpa-web" || strings.Join(s.ExternalMetricNames, ",") != "s0-queue-a" ||
		s.ScaleTargetKind != "apps/v1.Deployment" || s.ScaleTargetGVKR.Resource != "deployments" || *s.OriginalReplicaCount != 0 {
		t.Errorf("status %+v", s)
	}
	latest := h.journal.Recent(journal.Filter{Subject: "scaledobject shop/web", Code: "KEDAScaleTargetDeactivated"})
	if len(latest) != 1 || !strings.Contains(latest[0].Message, "from 3, to 0") {
		t.Errorf("journal %+v", latest)
	}
}

func TestAnHPAThatDriftedIsBroughtBack(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.poll(0)
	found, err := h.hpa("keda-hpa-web")
	if err != nil {
		t.Fatal(err)
	}
	found.Spec.MaxReplicas = 7
	found.Labels["theirs"] = "x"
	if err := h.client.Update(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	if got := h.poll(30 * time.Second); got != "patch keda-hpa-web" {
		t.Errorf("wrote %q", got)
	}
	if found, _ = h.hpa("keda-hpa-web"); found.Spec.MaxReplicas != 100 || found.Labels["theirs"] != "x" {
		t.Errorf("HPA %+v", found)
	}
	h.edit(func(so *keda.ScaledObject) {
		so.Spec.Advanced = &keda.AdvancedConfig{HorizontalPodAutoscalerConfig: &keda.HorizontalPodAutoscalerConfig{Name: "other"}}
	})
	if got := h.poll(30 * time.Second); got != "delete keda-hpa-web, create other, status web" {
		t.Errorf("a renamed HPA: wrote %q", got)
	}
}

func TestAnHPAOfAnotherIsLeftAlone(t *testing.T) {
	stranger := hpa.Build(scaledObject(t, web), nil)
	stranger.OwnerReferences = nil
	h := newHarness(t, scaledObject(t, web), stranger)
	if got := h.poll(0); got != "status web" {
		t.Errorf("wrote %q", got)
	}
	if got := h.condition(keda.ConditionReady); !strings.HasPrefix(got, "False HPAFailed: HPA shop/keda-hpa-web exists and belongs to nobody") {
		t.Errorf("Ready %s", got)
	}
	h.edit(func(so *keda.ScaledObject) {
		so.Annotations = map[string]string{keda.ScaledObjectTransferHpaOwnershipAnnotation: "true"}
	})
	if got := h.poll(time.Second); got != "patch keda-hpa-web, status web" {
		t.Errorf("with the annotation: wrote %q", got)
	}
}

// An error is reported, and neither the target nor an existing HPA is changed.
func TestAnObjectThatIsWrongIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*keda.ScaledObject)
		ready  string
	}{
		"unsupported type": {func(so *keda.ScaledObject) { so.Spec.Triggers[0].Type = "kafka" },
			`False ScaledObjectCheckFailed: trigger 0 (kafka): type: "kafka" is not supported; docs/scalers has a page for each supported type`},
		"malformed parameter": {func(so *keda.ScaledObject) { so.Spec.Triggers[0].Metadata["target"] = "x" },
			`False ScaledObjectCheckFailed: trigger 0 (queue): target: "x" is not a number`},
		"bounds": {func(so *keda.ScaledObject) { so.Spec.MinReplicaCount = new(int32(101)) },
			`False ScaledObjectCheckFailed: spec.minReplicaCount: 101 is above maxReplicaCount, 100 by default`},
		"no such target": {func(so *keda.ScaledObject) { so.Spec.ScaleTargetRef.Name = "gone" },
			`False ScaledObjectCheckFailed: spec.scaleTargetRef: Deployment "gone": does not exist, or cannot be scaled: deployments.apps "gone" not found`},
		"no such kind": {func(so *keda.ScaledObject) { so.Spec.ScaleTargetRef.Kind = "Gone" },
			`False ScaledObjectCheckFailed: spec.scaleTargetRef: Gone "web": no matches for kind "Gone" in version "apps/v1"`},
		"no authentication": {func(so *keda.ScaledObject) {
			so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "gone"}
		}, `False ScaledObjectCheckFailed: trigger 0 (queue): authenticationRef.name: triggerauthentications.keda.sh "gone" not found`},
		"another kind of authentication": {func(so *keda.ScaledObject) {
			so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "x", Kind: "ClusterTriggerAuthentication"}
		}, `False ScaledObjectCheckFailed: trigger 0 (queue): authenticationRef.kind: "ClusterTriggerAuthentication" is not supported; supported: TriggerAuthentication`},
		"the same trigger on cpu twice": {func(so *keda.ScaledObject) {
			cpu := keda.ScaleTriggers{Type: "cpu", MetricType: "Utilization", Metadata: map[string]string{"value": "50"}}
			so.Spec.Triggers = []keda.ScaleTriggers{cpu, cpu}
		}, `False ScaledObjectCheckFailed: trigger 1 (cpu): its metric stands twice; keep one of them`},
		"cpu without a type": {func(so *keda.ScaledObject) {
			so.Spec.Triggers = []keda.ScaleTriggers{{Type: "cpu", Metadata: map[string]string{"value": "50"}}}
		}, `False ScaledObjectCheckFailed: trigger 0 (cpu): metricType: "" cannot be used with the type cpu; write Utilization or AverageValue`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, scaledObject(t, web))
			h.replicas["web"] = 3
			h.set("a", 1)
			h.poll(0)
			h.events()
			h.edit(c.change)
			if got := h.poll(time.Hour); got != "status web" {
				t.Errorf("wrote %q", got)
			}
			if got := h.condition(keda.ConditionReady); got != c.ready {
				t.Errorf("Ready\n %s, want\n %s", got, c.ready)
			}
			if got := h.events(); got != "Warning ScaledObjectCheckFailed" {
				t.Errorf("events %s", got)
			}
		})
	}
}

// However often an object asks to be polled, there is nothing to poll it for before its target is looked for again.
func TestAnObjectWithoutATargetIsNotPolled(t *testing.T) {
	so := scaledObject(t, web)
	so.Spec.PollingInterval, so.Spec.ScaleTargetRef.Name = new(int32(1)), "gone"
	h := newHarness(t, so)
	h.set("a", 1)
	for i, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
		again := h.round("web")
		if again < want*4/5 || again > want {
			t.Errorf("after failure %d it is due after %s, want %s", i+1, again, want)
		}
		h.clock = h.clock.Add(want)
	}
}

func TestPauses(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", 1)
	h.poll(0)
	h.replicas["web"] = 4
	h.edit(func(so *keda.ScaledObject) { so.Annotations = map[string]string{keda.PausedAnnotation: "true"} })
	if got := h.poll(time.Second); got != "delete keda-hpa-web, status web" || h.replicas["web"] != 4 {
		t.Errorf("paused: wrote %q", got)
	}
	if got := h.poll(time.Hour); got != "" {
		t.Errorf("paused on: wrote %q", got)
	}
	h.edit(func(so *keda.ScaledObject) { so.Annotations = map[string]string{keda.PausedReplicasAnnotation: "0"} })
	if got := h.poll(time.Second); got != "scale web 0, status web" {
		t.Errorf("paused at 0: wrote %q", got)
	}
	h.edit(func(so *keda.ScaledObject) {
		so.Annotations[keda.PausedReplicasAnnotation] = "2"
		so.Spec.Triggers[0].Type = "kafka" // a pause is obeyed also then
	})
	if got := h.poll(time.Second); got != "scale web 2, status web" {
		t.Errorf("paused at 2, with a broken trigger: wrote %q", got)
	}
	h.edit(func(so *keda.ScaledObject) { so.Annotations, so.Spec.Triggers[0].Type = nil, "queue" })
	if got := h.poll(time.Second); got != "create keda-hpa-web, status web" {
		t.Errorf("unpaused: wrote %q", got)
	}
}

func TestAScaleThatIsRefusedIsToldAndTriedAgain(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", 1)
	h.refuse = errors.New("forbidden")
	h.poll(0)
	if got := h.condition(keda.ConditionReady); got != "False KEDAScaleTargetActivationFailed: set 1 replicas of Deployment shop/web: forbidden" {
		t.Errorf("Ready %s", got)
	}
	if next := h.round("web"); next > retryAfter {
		t.Errorf("it is tried again after %s", next)
	}
	h.refuse = nil
	h.poll(retryAfter)
	if h.replicas["web"] != 1 || !strings.HasPrefix(h.condition(keda.ConditionReady), "True") {
		t.Errorf("%d replicas, Ready %s", h.replicas["web"], h.condition(keda.ConditionReady))
	}
}

// Somebody scales the target out between our look and our write: it is decided anew on what is there.
func TestATargetThatChangedIsDecidedOnAnew(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", 1)
	h.conflicts = 1
	if got := h.poll(0); got != "create keda-hpa-web, status web" || h.replicas["web"] != 5 {
		t.Errorf("wrote %q, %d replicas", got, h.replicas["web"])
	}
	if got := h.events(); got != "Normal ScaledObjectReady" {
		t.Errorf("events %s", got)
	}
}

// A new leader knows nothing but the status: the cooldown goes on.
func TestANewLeaderGoesOnWithTheCooldown(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", 1)
	h.poll(0)
	h.set("a", 0)
	h.poll(30 * time.Second)
	h.loop = newLoop(t.Context(), h.Scalers)
	if h.poll(20 * time.Second); h.replicas["web"] != 1 {
		t.Error("a new leader scaled in within the cooldown")
	}
	if h.poll(20 * time.Second); h.replicas["web"] != 0 {
		t.Error("a new leader did not scale in after the cooldown")
	}
}

func TestKEDAsFinalizerDoesNotHoldADeletion(t *testing.T) {
	so := scaledObject(t, web)
	so.Finalizers = []string{"finalizer.keda.sh", "another/one"}
	so.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	h := newHarness(t, so)
	if got := h.poll(0); got != "patch web" {
		t.Errorf("wrote %q", got)
	}
	if f := h.object().Finalizers; len(f) != 1 || f[0] != "another/one" {
		t.Errorf("finalizers %v", f)
	}
}

func TestAuthenticationIsResolvedAndFollowed(t *testing.T) {
	so := scaledObject(t, web)
	so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "auth"}
	auth := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: keda.TriggerAuthenticationSpec{
		SecretTargetRef:    []keda.AuthSecretTargetRef{{Parameter: "password", Name: "s", Key: "pw"}},
		ConfigMapTargetRef: []keda.AuthConfigMapTargetRef{{Parameter: "username", Name: "c", Key: "user"}},
	}}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s"}, Data: map[string][]byte{"pw": []byte("one")}}
	h := newHarness(t, so, auth, secret, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "c"}, Data: map[string]string{"user": "u"}})
	last := func() map[string]string {
		return h.Scalers.triggers.sources["queue"].(*harness).opened[len(h.opened)-1].Auth
	}
	h.poll(0)
	if got := last(); got["password"] != "one" || got["username"] != "u" {
		t.Errorf("resolved %v", got)
	}
	secret.Data["pw"] = []byte("two")
	if err := h.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if h.poll(30 * time.Second); last()["password"] != "one" {
		t.Error("the Secret was read again without a reason")
	}
	h.fail("a")
	h.poll(30 * time.Second)
	if h.poll(30 * time.Second); last()["password"] != "two" || h.closed != 1 {
		t.Errorf("after a failed reading: %v, %d closed", last(), h.closed)
	}
	h.set("a", 1)
	h.poll(30 * time.Second)
	before := len(h.opened)
	if h.poll(h.cfg.AuthRefreshInterval.Std()); len(h.opened) != before {
		t.Error("equal secrets opened the trigger anew")
	}
	if err := h.client.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if h.poll(h.cfg.AuthRefreshInterval.Std()); !strings.HasPrefix(h.condition(keda.ConditionReady), "True") {
		t.Errorf("a Secret that is gone broke a trigger that works: %s", h.condition(keda.ConditionReady))
	}
}

func TestAuthenticationErrorsNameTheKey(t *testing.T) {
	so := scaledObject(t, web)
	so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "auth"}
	for want, s := range map[string]keda.TriggerAuthenticationSpec{
		`spec.secretTargetRef[0] (password): secrets "gone" not found`:                     {SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "password", Name: "gone", Key: "k"}}},
		`spec.secretTargetRef[0] (password): the Secret "s" has no key "k"`:                {SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "password", Name: "s", Key: "k"}}},
		`auth: spec.env: is not supported; supported: secretTargetRef, configMapTargetRef`: {Env: []keda.AuthEnvironment{{}}},
		`spec.oauth2: is not supported; supported: secretTargetRef, configMapTargetRef`:    {Env: []keda.AuthEnvironment{{}}, OAuth2: &keda.OAuth2{}},
	} {
		h := newHarness(t, so.DeepCopy(), &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: s},
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s"}})
		h.poll(0)
		if got := h.condition(keda.ConditionReady); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestReadyNamesWhatItWaitsFor(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	informer, err := h.handlers.FakeInformerFor(t.Context(), &keda.ScaledObject{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Ready(); err == nil && !informer.HasSynced() || err != nil && informer.HasSynced() {
		t.Errorf("Ready %v while synced is %v", err, informer.HasSynced())
	}
	h.waits("the first list of ScaledObjects")
	h.leading.Store(true)
	if err := h.loop.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Ready(); err == nil || err.Error() != "waits for the first decision on 1 ScaledObjects" {
		t.Errorf("Ready %v", err)
	}
	h.loop.decided(types.NamespacedName{Namespace: "shop", Name: "web"})
	if err := h.Ready(); err != nil {
		t.Errorf("Ready %v", err)
	}
}

// A replica that does not lead answers as soon as it knows the ScaledObjects, and not before.
func TestAnswersWaitForTheScaledObjects(t *testing.T) {
	h := newHarness(t)
	unread := controllertest.NewFakeInformer()
	var informer cache.Informer = unread
	h.objects.Store(&informer)
	if err := h.Answers().Ready(); err == nil || err.Error() != "waits for the first list of ScaledObjects" {
		t.Errorf("Ready %v", err)
	}
	unread.Synced()
	if err := h.Answers().Ready(); err != nil {
		t.Errorf("Ready %v", err)
	}
}

func TestCodesAreDocumentedOnce(t *testing.T) {
	seen := map[verdict.Code]bool{}
	for _, d := range Codes() {
		if seen[d.Code] || d.Meaning == "" || strings.HasSuffix(d.Meaning, ".") {
			t.Errorf("%s stands twice, or its meaning is no sentence without a full stop", d.Code)
		}
		seen[d.Code] = true
	}
	for _, code := range []verdict.Code{CheckFailed, TargetUnknown, Paused, HPACreated, HPAUpdated, HPADeleted, HPAFailed, StatusFailed} {
		if !seen[code] {
			t.Errorf("%s is not documented", code)
		}
	}
}

func TestUnavailableIsWhatAnHPAHoldsOn(t *testing.T) {
	err := unavailable(types.NamespacedName{Namespace: "shop", Name: "web"}, "s0-x", errors.New("connection refused"))
	if !apierrors.IsServiceUnavailable(err) || err.Error() != "scaledobject shop/web, metric s0-x: connection refused" {
		t.Errorf("%v", err)
	}
}
