package scalers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/hpa"
)

// outage is what becomes of the calls to the API server. A nil one lets all through.
type outage struct {
	// at is the number of the call that fails, from 0; with rest all after it fail too.
	at   int
	rest bool
	// lost says that the calls that fail are carried out, and only their answer is lost.
	lost bool
	// only, if it is not empty, is the one call that can fail.
	only  string
	calls []string
}

var errOutage = errors.New("etcd is slow")

func (o *outage) call(what string, do func() error) error {
	if o == nil || o.only != "" && o.only != what {
		return do()
	}
	n := len(o.calls)
	o.calls = append(o.calls, what)
	if n != o.at && !(o.rest && n > o.at) {
		return do()
	}
	if o.lost {
		_ = do() // nobody learns what came of it
	}
	return errOutage
}

// owned are the names of the HPAs that belong to web.
func (h *harness) owned() string {
	h.t.Helper()
	var all autoscalingv2.HorizontalPodAutoscalerList
	if err := h.client.List(h.t.Context(), &all, client.InNamespace("shop")); err != nil {
		h.t.Fatal(err)
	}
	var names []string
	for i := range all.Items {
		if hpa.OwnedBy(&all.Items[i], h.object()) {
			names = append(names, all.Items[i].Name)
		}
	}
	return strings.Join(names, ",")
}

func named(name string) func(*keda.ScaledObject) {
	return func(so *keda.ScaledObject) {
		so.Spec.Advanced = &keda.AdvancedConfig{HorizontalPodAutoscalerConfig: &keda.HorizontalPodAutoscalerConfig{Name: name}}
	}
}

func annotated(key, value string) func(*keda.ScaledObject) {
	return func(so *keda.ScaledObject) {
		so.Annotations = maps.Clone(so.Annotations)
		if so.Annotations == nil {
			so.Annotations = map[string]string{}
		}
		so.Annotations[key] = value
	}
}

// others are HPAs that web did not make: nobody's, a Rollout's, one of a web that was here before, and one
// that only has the label.
func others() []client.Object {
	var out []client.Object
	for name, owners := range map[string][]metav1.OwnerReference{
		"of-nobody":         nil,
		"of-a-rollout":      {{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Name: "web", UID: "r1", Controller: new(true)}},
		"of-the-web-before": {{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject", Name: "web", UID: "u0", Controller: new(true)}},
		"not-controlled":    {{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject", Name: "web", UID: "u1"}},
	} {
		out = append(out, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: "x", OwnerReferences: owners, Labels: map[string]string{hpa.OwnerLabel: "web"},
		}})
	}
	return out
}

// Whichever calls to the API server fail, carried out or not, once or until another leads: there are never
// two HPAs of one object, in the end there is one (or none, while it is paused), and it is the one that the
// object names. HPAs of others stay.
func TestInTheEndOneHPABelongsToTheObject(t *testing.T) {
	edits := []struct {
		name  string
		edits []func(*keda.ScaledObject)
		want  string
	}{
		{"renamed", []func(*keda.ScaledObject){named("mine")}, "mine"},
		{"renamed twice", []func(*keda.ScaledObject){named("mine"), named("other")}, "other"},
		{"renamed and back", []func(*keda.ScaledObject){named("mine"), named("")}, "keda-hpa-web"},
		{"paused", []func(*keda.ScaledObject){annotated(keda.PausedAnnotation, "true")}, ""},
		{"paused at a number", []func(*keda.ScaledObject){annotated(keda.PausedReplicasAnnotation, "2")}, ""},
		{"renamed, then paused", []func(*keda.ScaledObject){named("mine"), annotated(keda.PausedAnnotation, "true")}, ""},
		{"renamed and paused in one edit", []func(*keda.ScaledObject){func(so *keda.ScaledObject) {
			named("mine")(so)
			annotated(keda.PausedAnnotation, "true")(so)
		}}, ""},
		{"renamed and paused, then resumed", []func(*keda.ScaledObject){func(so *keda.ScaledObject) {
			named("mine")(so)
			annotated(keda.PausedAnnotation, "true")(so)
		}, annotated(keda.PausedAnnotation, "false")}, "mine"},
		{"paused and wrong in one edit", []func(*keda.ScaledObject){func(so *keda.ScaledObject) {
			annotated(keda.PausedAnnotation, "true")(so)
			so.Spec.MinReplicaCount = new(int32(1000))
		}}, ""},
		{"paused, and its target gone", []func(*keda.ScaledObject){func(so *keda.ScaledObject) {
			annotated(keda.PausedAnnotation, "true")(so)
			so.Spec.ScaleTargetRef.Name = "gone"
		}}, ""},
		{"renamed to that of another, which it may not have", []func(*keda.ScaledObject){named("of-nobody")}, "keda-hpa-web"},
		{"renamed to that of another, which it takes over", []func(*keda.ScaledObject){func(so *keda.ScaledObject) {
			annotated(keda.ScaledObjectTransferHpaOwnershipAnnotation, "true")(so)
			named("of-a-rollout")(so)
		}}, "of-a-rollout"},
	}
	for _, c := range edits {
		t.Run(c.name, func(t *testing.T) {
			for _, kind := range []outage{{}, {lost: true}, {rest: true}, {rest: true, lost: true}} {
				for at := 0; ; at++ {
					fault := kind
					fault.at = at
					h := newHarness(t, append(others(), scaledObject(t, web))...)
					h.set("a", 9)
					h.poll(0)
					h.outage = &fault
					for _, edit := range c.edits {
						h.outage = nil
						h.edit(edit)
						h.outage = &fault
						h.poll(30 * time.Second)
						h.outage = nil
						if got := h.owned(); strings.Contains(got, ",") {
							t.Fatalf("%s: meanwhile %s belong to the object", fault, got)
						}
					}
					reached := len(fault.calls) > at
					if fault.rest { // the process has ended
						h.loop = newLoop(t.Context(), h.Scalers)
					}
					for range 3 {
						h.poll(30 * time.Second)
					}
					if got := h.owned(); got != c.want {
						t.Fatalf("%s: in the end %q belong to the object, want %q", fault, got, c.want)
					}
					if got := h.poll(time.Second); got != "" {
						t.Errorf("%s: it does not come to rest, but writes %q", fault, got)
					}
					if name := h.object().Status.HpaName; c.want != "" && name != c.want {
						t.Errorf("%s: the status names %q, want %q", fault, name, c.want)
					}
					for _, o := range others() {
						if _, err := h.hpa(o.GetName()); err != nil {
							t.Errorf("%s: %s: %v", fault, o.GetName(), err)
						}
					}
					if !reached {
						if at < 3 {
							t.Errorf("only %d calls were made: %v", at, fault.calls)
						}
						break
					}
				}
			}
		})
	}
}

// The HPAs of two names that an earlier failure left are found again, although the status names one.
func TestAnHPAThatWasLeftBehindIsFound(t *testing.T) {
	left := hpa.Build(scaledObject(t, web), nil)
	left.Name, left.UID = "left-behind", "h1"
	so := scaledObject(t, web)
	so.Status.HpaName = "keda-hpa-web"
	h := newHarness(t, so, left)
	if got := h.poll(0); !slices.Contains(strings.Split(got, ", "), "delete left-behind") || h.owned() != "keda-hpa-web" {
		t.Errorf("wrote %q, and has %s", got, h.owned())
	}
}

// Another takes the HPA over while the cache does not know it yet: it is not deleted.
func TestAnHPAThatWasTakenOverMeanwhileIsNotDeleted(t *testing.T) {
	for _, mine := range []bool{true, false} {
		h := newHarness(t, scaledObject(t, web))
		h.poll(0)
		stale, err := h.hpa("keda-hpa-web")
		if err != nil {
			t.Fatal(err)
		}
		now := stale.DeepCopy()
		now.Labels["edited"] = "x"
		if !mine {
			now.OwnerReferences = nil
		}
		if err := h.client.Update(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if err := h.loop.deleteHPA(t.Context(), h.object(), stale); err != nil {
			t.Error(err)
		}
		if _, err := h.hpa("keda-hpa-web"); (err == nil) == mine {
			t.Errorf("it is still the object's: %v; read: %v", mine, err)
		}
	}
}

func (o outage) String() string {
	what := fmt.Sprintf("call %d of %v fails", o.at, o.calls)
	if o.rest {
		what += ", and all after it"
	}
	if o.lost {
		what += ", but is carried out"
	}
	return what
}
