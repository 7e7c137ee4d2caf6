package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/story"
)

// access is one thing that may be done: "apps/deployments/scale get".
type access struct{ group, resource, verb string }

func (a access) String() string { return a.group + "/" + a.resource + " " + a.verb }

// covers says whether a, which may hold the wildcards of RBAC, grants what was asked for.
func (a access) covers(asked access) bool {
	subresource, any := strings.CutPrefix(a.resource, "*")
	return a.verb == asked.verb && (a.group == "*" || a.group == asked.group) &&
		(a.resource == asked.resource || any && strings.HasSuffix(asked.resource, subresource))
}

// isOfUse says whether a grant was needed. A wildcard was where something of a custom resource was asked for by it: what
// Kubernetes itself brings could be listed by name.
func (a access) isOfUse(used map[access]bool) bool {
	if a.group != "*" && !strings.HasPrefix(a.resource, "*") {
		return used[a]
	}
	for u := range used {
		if a.covers(u) && strings.Contains(u.group, ".") && !strings.HasSuffix(u.group, ".k8s.io") {
			return true
		}
	}
	return false
}

// A wildcard is no way around the comparison.
func TestWildcardsMustBeOfUse(t *testing.T) {
	scale := access{"*", "*/scale", "update"}
	all := access{"*", "*", "update"}
	for _, c := range []struct {
		granted access
		used    access
		ofUse   bool
	}{
		{scale, access{"example.com", "rollouts/scale", "update"}, true},
		{scale, access{"apps", "deployments/scale", "update"}, false},
		{scale, access{"example.com", "rollouts/scale", "get"}, false},
		{scale, access{"example.com", "rollouts/status", "update"}, false},
		{scale, access{"storage.k8s.io", "things/scale", "update"}, false},
		{access{"apps", "*/scale", "update"}, access{"example.com", "rollouts/scale", "update"}, false},
		{all, access{"example.com", "rollouts", "update"}, true},
		{access{"apps", "deployments/scale", "update"}, access{"apps", "deployments/scale", "update"}, true},
		{access{"apps", "deployments/scale", "update"}, access{"apps", "statefulsets/scale", "update"}, false},
	} {
		if got := c.granted.isOfUse(map[access]bool{c.used: true}); got != c.ofUse {
			t.Errorf("granted %s, used %s: of use is %t", c.granted, c.used, got)
		}
	}
}

// spare are granted without being used in these tests, each for the reason given.
func spare() map[access]string {
	return map[access]string{
		{"", "configmaps", "create"}: "the status is applied: what makes it is asked for as create and told of as patch",
		{"", "configmaps", "get"}:    "a TriggerAuthentication may name a ConfigMap",
		{"", "secrets", "get"}:       "a TriggerAuthentication may name a Secret",
		{"", "events", "patch"}:      "equal Events are counted up, which need not happen in a test",
	}
}

// lastOfIt makes trimtab do what the story and the faults before did not.
const lastOfIt = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: demo}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: nightly}}
        spec: {restartPolicy: Never, containers: [{name: nightly, image: nightly}]}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: nightly, namespace: demo}
spec: {targetRef: {apiVersion: batch/v1, kind: CronJob, name: nightly}}
`

// restIsUsed walks the ways of a ScaledObject and of a VPA that were not walked yet: the HPA of a
// ScaledObject is changed, removed while it is paused, and given back its finalizer; the checkpoint of
// a VPA goes with it.
func restIsUsed(t *testing.T, s *story.Story) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, step := range s.Steps() {
		if strings.Contains(step.Title, "a queue") {
			if err := s.Run(ctx, step); err != nil {
				t.Fatalf("%v\n%s", err, s.Lab.State())
			}
		}
	}
	do := func(args ...string) {
		t.Helper()
		if _, err := s.Lab.Kubectl(ctx, lastOfIt, append([]string{"-n", "demo"}, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	hpa := &autoscalingv2.HorizontalPodAutoscaler{}
	get := func(ctx context.Context) error {
		return s.Lab.Client.Get(ctx, client.ObjectKey{Namespace: "demo", Name: "keda-hpa-worker"}, hpa)
	}
	do("patch", "scaledobject", "worker", "--type=merge", "-p", `{"spec":{"maxReplicaCount":7},"metadata":{"finalizers":["finalizer.keda.sh"]}}`)
	s.Lab.Wait(ctx, t, "the HPA has the new maximum", func(ctx context.Context) error {
		return errors.Join(get(ctx), lab.Want(hpa.Spec.MaxReplicas, 7))
	})
	do("annotate", "scaledobject", "worker", "autoscaling.keda.sh/paused=true")
	s.Lab.Wait(ctx, t, "a paused ScaledObject has no HPA", func(ctx context.Context) error {
		return lab.Want(apierrors.IsNotFound(get(ctx)), true)
	})
	do("delete", "scaledobject", "worker") // returns when KEDA's finalizer was taken off
	do("apply", "-f", "-")
	s.Lab.Wait(ctx, t, "the VPA of a CronJob has a status", func(ctx context.Context) error {
		v := &vpav1.VerticalPodAutoscaler{}
		err := s.Lab.Client.Get(ctx, client.ObjectKey{Namespace: "demo", Name: "nightly"}, v)
		return errors.Join(err, lab.Want(len(v.Status.Conditions) > 0, true))
	})
	do("delete", "vpa", "web")
	s.Lab.Wait(ctx, t, "the checkpoint of a VPA that is gone is gone too", func(ctx context.Context) error {
		var all vpav1.VerticalPodAutoscalerCheckpointList
		err := s.Lab.Client.List(ctx, &all, client.InNamespace("demo"))
		return errors.Join(err, lab.Want(len(all.Items), 0))
	})
}

// permissionsAreUsed compares what deploy/ grants with what the API server's audit log says was asked:
// nothing was refused, and nothing is granted that is of no use.
func permissionsAreUsed(t *testing.T, s *story.Story) {
	used, refused := audited(t, s.Lab.AuditLog)
	for what := range refused {
		t.Errorf("was refused: %s", what)
	}
	reasons := spare()
	for _, a := range granted(t.Context(), t, s.Lab) {
		if a.verb == "list" && used[access{a.group, a.resource, "watch"}] {
			continue // a watch may begin with a list, when the server cannot stream what is there
		}
		if !a.isOfUse(used) && reasons[a] == "" {
			t.Errorf("is granted but was not used: %s", a)
		}
	}
}

func granted(ctx context.Context, t *testing.T, l *lab.Lab) (all []access) {
	t.Helper()
	var cluster rbacv1.ClusterRole
	if err := l.Client.Get(ctx, client.ObjectKey{Name: "trimtab"}, &cluster); err != nil {
		t.Fatal(err)
	}
	var own rbacv1.Role
	if err := l.Client.Get(ctx, client.ObjectKey{Namespace: lab.Namespace, Name: "trimtab"}, &own); err != nil {
		t.Fatal(err)
	}
	for _, r := range append(cluster.Rules, own.Rules...) {
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				for _, verb := range r.Verbs {
					all = append(all, access{group, resource, verb})
				}
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d permissions were found; the test looks in the wrong place", len(all))
	}
	sort.Slice(all, func(i, j int) bool { return all[i].String() < all[j].String() })
	return all
}

// audited reads what trimtab's ServiceAccount asked for, and what of it was refused.
func audited(t *testing.T, path string) (used map[access]bool, refused map[string]bool) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	used, refused = map[access]bool{}, map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Verb, RequestURI string
			User             struct{ Username string }
			ObjectRef        struct{ APIGroup, Resource, Subresource, Name string }
			ResponseStatus   struct {
				Code   int
				Reason string
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("audit log: %v: %s", err, lines.Text())
		}
		if e.User.Username != "system:serviceaccount:"+lab.Namespace+":trimtab" {
			continue
		}
		resource := strings.TrimSuffix(e.ObjectRef.Resource+"/"+e.ObjectRef.Subresource, "/")
		used[access{e.ObjectRef.APIGroup, resource, e.Verb}] = true
		// Refused by RBAC; a quota or a terminating namespace refuses with the same code.
		if e.ResponseStatus.Code == 403 && e.ResponseStatus.Reason == "Forbidden" {
			refused[e.Verb+" "+e.RequestURI] = true
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(used) == 0 {
		t.Fatal("the audit log has nothing of trimtab's")
	}
	return used, refused
}
