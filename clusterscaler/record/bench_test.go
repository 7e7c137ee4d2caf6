package record

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// large is a cluster of so many pods, 25 on a node, each with what pods of Deployments have; one of 100 has no node.
func large(pods int) *Record {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	created := metav1.NewTime(now.Add(-time.Hour))
	objects := &kube.Objects{Namespaces: map[string]map[string]string{}, Storage: &kubesched.Objects{}}
	r := &Record{Version: "test", Policy: plan.DefaultPolicy(), Seen: kube.Observation{Objects: objects, GroupOf: map[string]string{}, Now: now, ExamplesFor: time.Minute}}
	offer := corev1.ResourceList{"cpu": resource.MustParse("16"), "memory": resource.MustParse("64Gi"), "pods": resource.MustParse("110"), "ephemeral-storage": resource.MustParse("100Gi")}
	for i := range pods / 25 {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("ip-10-0-%d-%d", i/250, i%250), CreationTimestamp: created, UID: types.UID(fmt.Sprint("node-", i)), ResourceVersion: "1"}}
		n.Labels = map[string]string{
			corev1.LabelHostname: n.Name, corev1.LabelTopologyZone: fmt.Sprint("eu-west-1", string(rune('a'+i%3))), corev1.LabelInstanceTypeStable: "m5.4xlarge",
			corev1.LabelArchStable: "amd64", corev1.LabelOSStable: "linux", "pool": fmt.Sprint("pool-", i%20),
		}
		n.Status.Capacity, n.Status.Allocatable = offer, offer
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: created}}
		objects.Nodes = append(objects.Nodes, n)
		r.Seen.GroupOf[n.Name] = n.Labels["pool"]
		if i < 20 {
			template := scheduling.NodeOf(n)
			r.Seen.Groups = append(r.Seen.Groups, plan.Group{Belief: fleet.Belief{Name: n.Labels["pool"], Max: 1000}, Template: template, Capacity: template.Allocatable})
		}
		r.Seen.Groups[i%20].Target++
	}
	for i := range pods {
		app := fmt.Sprint("app-", i/50)
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprint("team-", i/1000), Name: fmt.Sprintf("%s-7d9fc8b6c4-%05d", app, i), CreationTimestamp: created, UID: types.UID(fmt.Sprintf("1b7d5cc0-3f6e-4f5a-9f3b-%012d", i)), ResourceVersion: "12345678",
			Labels:          map[string]string{"app.kubernetes.io/name": app, "app.kubernetes.io/instance": app, "pod-template-hash": "7d9fc8b6c4", "team": fmt.Sprint("team-", i/1000)},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: app + "-7d9fc8b6c4", UID: "5e5c8f5c-8b0e-4f3c-8f3b-000000000000", Controller: new(true)}},
		}}
		requests := corev1.ResourceList{"cpu": *resource.NewMilliQuantity(int64(100+10*(i/50%30)), resource.DecimalSI), "memory": resource.MustParse("512Mi")}
		p.Spec.Containers = []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Requests: requests}}, {Name: "sidecar", Resources: corev1.ResourceRequirements{Requests: requests}}}
		p.Spec.Volumes = []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}}, {Name: "kube-api-access", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}}}
		p.Spec.Tolerations = []corev1.Toleration{{Key: corev1.TaintNodeNotReady, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300))}}
		p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 5, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": app}}}}
		if i%100 == 0 {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
		} else {
			p.Spec.NodeName = objects.Nodes[i%len(objects.Nodes)].Name
		}
		objects.Pods = append(objects.Pods, p)
	}
	return r
}

// A snapshot of 100,000 pods is written, read, decided again and anonymized.
func BenchmarkLargeSnapshot(b *testing.B) {
	r := large(100_000)
	p, _ := r.Decide()
	r.Outcome = OutcomeOf(p)
	var file bytes.Buffer
	if err := Write(&file, r); err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			if err := Write(io.Discard, r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			if _, err := Read(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("replay", func(b *testing.B) {
		for b.Loop() {
			again, err := Read(bytes.NewReader(file.Bytes()))
			if err != nil {
				b.Fatal(err)
			}
			if p, _ := again.Decide(); len(again.Outcome.Differences(OutcomeOf(p))) > 0 {
				b.Fatal("another plan")
			}
		}
	})
	b.Run("anonymize", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			again, err := Read(bytes.NewReader(file.Bytes()))
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			Anonymize(again)
		}
	})
}
