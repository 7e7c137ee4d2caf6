package clusterscaler

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/config"
	sharedconfig "github.com/trimtab/trimtab/internal/config"
)

// softTaint is the taint of nodes that could go.
const softTaint = "DeletionCandidateOfClusterAutoscaler"

// idle is a node of the group a without pods.
func idle(taints ...corev1.Taint) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", CreationTimestamp: metav1.Time{Time: startTime().Add(-time.Hour)}}}
	n.Spec.Taints = taints
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	n.Status.Allocatable = corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("16Gi"), "pods": resource.MustParse("110")}
	return n
}

func (r *rig) taintsOf(t *testing.T, node string) map[string]string {
	t.Helper()
	n := &corev1.Node{}
	if err := r.scaler.deps.Kube.Client.Get(context.Background(), client.ObjectKey{Name: node}, n); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, taint := range n.Spec.Taints {
		out[taint.Key] = taint.Value
	}
	return out
}

// An idle node is marked until a pod needs it, and one whose mark is old enough goes at once where marks count.
func TestIdleNodesAreMarked(t *testing.T) {
	r := newRig(t, idle())
	r.provider.member = map[string]string{"n": "a"}
	r.loop()
	if got := r.taintsOf(t, "n"); got[softTaint] != "1767225600" {
		t.Fatalf("taints %v", got)
	}
	pod := pendingPod()
	pod.Spec.NodeName, pod.Status.Conditions = "n", nil
	if err := r.scaler.deps.Kube.Client.Create(context.Background(), pod); err != nil {
		t.Fatal(err)
	}
	r.loop()
	if got := r.taintsOf(t, "n"); len(got) > 0 {
		t.Errorf("needed again, and has %v", got)
	}
}

func TestMarksAreRecalled(t *testing.T) {
	for ttl, goes := range map[time.Duration]bool{0: false, 10 * time.Minute: false, time.Hour: true} {
		var cfg config.Config
		cfg.SetDefaults()
		cfg.NodeDeletionCandidateTtl = sharedconfig.Duration(ttl)
		r := newRigWith(t, cfg, idle(corev1.Taint{Key: softTaint, Value: "1767223800", Effect: corev1.TaintEffectPreferNoSchedule})) // half an hour
		r.provider.member = map[string]string{"n": "a"}
		ctx, cancel := context.WithCancel(context.Background())
		r.scaler.loop(ctx)
		r.write()
		cancel()
		r.scaler.drainer.Wait()
		if got := len(r.scaler.last.plan.ScaleDown) > 0; got != goes {
			t.Errorf("ttl %s: goes is %t, want %t", ttl, got, goes)
		}
		if told := strings.Join(r.told(), "\n"); strings.Contains(told, "ScaleDownEmpty node n of group a goes") != goes {
			t.Errorf("ttl %s: told %s", ttl, told)
		}
	}
}

// Marks tell of the time before the process, and are not read again.
func TestMarksAreRecalledOnce(t *testing.T) {
	var cfg config.Config
	cfg.SetDefaults()
	cfg.NodeDeletionCandidateTtl = sharedconfig.Duration(time.Hour)
	r := newRigWith(t, cfg, idle())
	r.provider.member = map[string]string{"n": "a"}
	r.scaler.loop(context.Background())
	known := startTime().Add(-5 * time.Minute)
	r.scaler.memory.UnneededSince["n"] = known
	r.scaler.loop(context.Background())
	if got := r.scaler.memory.UnneededSince["n"]; !got.Equal(known) {
		t.Errorf("unneeded since %s, was %s", got, known)
	}
}

// A node whose removal begins needs no mark.
func TestWhatGoesIsNotMarked(t *testing.T) {
	r := newRig(t, idle())
	r.provider.member = map[string]string{"n": "a"}
	r.scaler.policy.UnneededTime = 0
	ctx, cancel := context.WithCancel(context.Background())
	r.scaler.loop(ctx)
	r.write()
	cancel()
	r.scaler.drainer.Wait()
	if got := r.taintsOf(t, "n"); got[softTaint] != "" || len(r.scaler.last.plan.ScaleDown) != 1 {
		t.Errorf("taints %v", got)
	}
}
