package kube

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

func with[T any](v T, change func(T)) T {
	change(v)
	return v
}

// What is read of a pod, one property a line.
func TestPodIsTranslated(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pending := func(change func(*corev1.Pod)) *corev1.Pod {
		return with(testPod("p", "ReplicaSet"), func(p *corev1.Pod) { p.Spec.NodeName = ""; change(p) })
	}
	condition := func(reason string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason}}
		}
	}
	annotated := func(key, value string) *corev1.Pod {
		return with(testPod("p", "ReplicaSet"), func(p *corev1.Pod) { p.Annotations = map[string]string{key: value} })
	}
	volumes := func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{
			{Name: "memory", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}},
			{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}},
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}},
		}
	}
	for _, c := range []struct {
		name string
		pod  *corev1.Pod
		got  func(plan.Pod) any
		want any
	}{
		{name: "bound", pod: testPod("p", "ReplicaSet"), got: func(p plan.Pod) any { return p.State }, want: plan.Bound},
		{name: "unseen", pod: pending(func(*corev1.Pod) {}), got: func(p plan.Pod) any { return p.State }, want: plan.Unseen},
		{name: "unschedulable", pod: pending(condition(corev1.PodReasonUnschedulable)), got: func(p plan.Pod) any { return p.State }, want: plan.Pending},
		{name: "scheduler error", pod: pending(condition(corev1.PodReasonSchedulerError)), got: func(p plan.Pod) any { return p.State }, want: plan.Unseen},
		{name: "gated", pod: pending(func(p *corev1.Pod) { p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}} }), got: func(p plan.Pod) any { return p.State }, want: plan.Gated},
		{name: "nominated", pod: pending(func(p *corev1.Pod) { p.Status.NominatedNodeName = "n7" }), got: func(p plan.Pod) any { return p.Node }, want: "n7"},
		{name: "owner", pod: testPod("p", "StatefulSet"), got: func(p plan.Pod) any { return p.Owner }, want: "StatefulSet"},
		{name: "mirror", pod: mirrorPod(), got: func(p plan.Pod) any { return p.Mirror }, want: true},
		{name: "safe", pod: annotated(annotationSafeToEvict, "true"), got: func(p plan.Pod) any { return p.Eviction }, want: plan.EvictionSafe},
		{name: "unsafe", pod: annotated(annotationSafeToEvict, "false"), got: func(p plan.Pod) any { return p.Eviction }, want: plan.EvictionUnsafe},
		{name: "on completion", pod: annotated(annotationSafeToEvict, "on-completion"), got: func(p plan.Pod) any { return p.Eviction }, want: plan.EvictionOnCompletion},
		{name: "as a DaemonSet's", pod: annotated(annotationDaemonSetPod, "true"), got: func(p plan.Pod) any { return p.AsDaemon }, want: true},
		{name: "not as a DaemonSet's", pod: annotated(annotationDaemonSetPod, "yes"), got: func(p plan.Pod) any { return p.AsDaemon }, want: false},
		{name: "delay", pod: annotated(annotationPodScaleUpDelay, "90s"), got: func(p plan.Pod) any { return p.Delay }, want: 90 * time.Second},
		{name: "unreadable delay", pod: annotated(annotationPodScaleUpDelay, "soon"), got: func(p plan.Pod) any { return p.Delay }, want: time.Duration(0)},
		{name: "local volumes", pod: with(testPod("p", "Job"), volumes), got: func(p plan.Pod) any { return p.LocalVolumes }, want: []string{"scratch", "host"}},
		{name: "safe local volumes", pod: with(annotated(annotationSafeLocalVolumes, "scratch,host"), volumes), got: func(p plan.Pod) any { return len(p.LocalVolumes) }, want: 0},
		{name: "a space before a safe volume is part of its name", pod: with(annotated(annotationSafeLocalVolumes, "scratch, host"), volumes), got: func(p plan.Pod) any { return p.LocalVolumes }, want: []string{"host"}},
		{
			name: "deletion began a grace before its timestamp",
			pod: with(testPod("p", "Job"), func(p *corev1.Pod) {
				p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: day}, new(int64(60))
				p.Spec.TerminationGracePeriodSeconds = new(int64(60))
			}),
			got: func(p plan.Pod) any { return []any{p.Deleted, p.Grace} }, want: []any{day.Add(-time.Minute), time.Minute},
		},
		{
			name: "a grace that no Duration holds is as long as one may be",
			pod: with(testPod("p", "Job"), func(p *corev1.Pod) {
				p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: day}, new(int64(math.MaxInt64))
				p.Spec.TerminationGracePeriodSeconds = new(int64(math.MaxInt64))
			}),
			got: func(p plan.Pod) any {
				return []any{p.Deleted.Before(day.AddDate(-200, 0, 0)), p.Grace > 290*365*24*time.Hour}
			}, want: []any{true, true},
		},
	} {
		o := Objects{Pods: []*corev1.Pod{c.pod}}
		s := (&Observation{Objects: &o}).Snapshot()
		if got := c.got(*s.Pods[0]); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func budgetFor(name string, allowed int32, stale bool) *policyv1.PodDisruptionBudget {
	b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Generation: 2}}
	b.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	b.Spec.MinAvailable = &intstr.IntOrString{}
	b.Status.DisruptionsAllowed, b.Status.ObservedGeneration = allowed, 2
	if stale {
		b.Status.ObservedGeneration = 1
	}
	return b
}

func TestSnapshotOfACluster(t *testing.T) {
	web := testPod("web", "ReplicaSet")
	web.Labels = map[string]string{"app": "web"}
	lonely := testPod("lonely", "ReplicaSet")
	lonely.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "zone", LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}},
	}}
	done := testPod("done", "Job")
	done.Status.Phase = corev1.PodSucceeded
	ready := with(testNode(), func(n *corev1.Node) {
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		n.Annotations = map[string]string{annotationScaleDownDisabled: "true"}
	})
	started := with(testNode(), func(n *corev1.Node) {
		n.Name = "n0"
		n.Status.Conditions = ready.Status.Conditions
		n.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule}, {Key: group.GoingTaint, Effect: corev1.TaintEffectNoSchedule}}
	})
	o := Objects{
		Nodes: []*corev1.Node{ready, started}, Pods: []*corev1.Pod{web, lonely, done},
		Budgets: []*policyv1.PodDisruptionBudget{budgetFor("stale", 5, true), budgetFor("fresh", 5, false)},
	}
	seen := &Observation{Objects: &o, Groups: []plan.Group{{Belief: fleet.Belief{Name: "g"}}}, GroupOf: map[string]string{"n1": "g"}}
	s := seen.Snapshot()
	if n := s.Nodes[0]; n.Name != "n0" || n.Ready || !n.Deleting || n.Group != "" {
		t.Errorf("n0: %+v", n)
	}
	if n := s.Nodes[1]; !n.Ready || n.Deleting || !n.Keep || n.Group != "g" {
		t.Errorf("n1: %+v", n)
	}
	if len(s.Pods) != 2 || s.Pods[0].Name != "default/lonely" || s.Pods[1].Name != "default/web" {
		t.Errorf("pods: %+v", s.Pods)
	}
	if !slices.Equal(s.Budgets, []plan.Budget{{Name: "default/fresh", Allowed: 5}, {Name: "default/stale", Allowed: 0}}) {
		t.Errorf("budgets: %+v", s.Budgets)
	}
	if got := s.Pods[1].Budgets; !slices.Equal(got, []int{0, 1}) {
		t.Errorf("budgets of web: %v", got)
	}
	again := seen.Snapshot()
	if !reflect.DeepEqual(s, again) {
		t.Error("equal objects give two snapshots")
	}
	c := scheduling.NewCluster(s.Classes)
	n := c.AddNode(&scheduling.Node{Labels: map[string]string{"zone": "a"}, Allocatable: scheduling.Resources{Pods: 10}})
	c.Place(s.Pods[0].Class, n, 1)
	if got := c.Fits(s.Pods[1].Class, n); got.Code != scheduling.RepelledByPods {
		t.Errorf("lonely keeps web away, but %q", got.Code)
	}
}

// Through the client: owners that do not exist are found, and a fresh look replaces what the cache has
// of one node.
func TestObserve(t *testing.T) {
	owned := with(testPod("owned", "ReplicaSet"), func(p *corev1.Pod) { p.OwnerReferences[0].Name = "there" })
	orphan := testPod("orphan", "StatefulSet")
	custom := testPod("custom", "Rollout")
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "there"}}
	cached := newRig(t, testNode(), owned, orphan, custom, set)
	live := newRig(t, with(testNode(), func(n *corev1.Node) { n.Labels = map[string]string{"fresh": "yes"} }), testPod("new", "ReplicaSet"))
	observer := Observer{Cached: cached.api, Live: live.api}
	o, err := observer.Observe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	for _, p := range (&Observation{Objects: o}).Snapshot().Pods {
		if p.OwnerMissing {
			missing = append(missing, p.Name)
		}
	}
	if !slices.Equal(missing, []string{"default/orphan"}) {
		t.Errorf("without their owner: %v", missing)
	}
	fresh, err := observer.ObserveFresh(context.Background(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	if len(fresh.Pods) != 1 || fresh.Pods[0].Name != "new" || fresh.Nodes[0].Labels["fresh"] != "yes" {
		t.Errorf("a fresh look shows %v", fresh.Pods)
	}
}
