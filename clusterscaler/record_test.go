package clusterscaler

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/grpcexpander"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/record"
)

// What the loop keeps decides the same again, in the next loop too, with what the gRPC expander answered.
func TestTheLoopsRecordDecidesAgain(t *testing.T) {
	t.Parallel()
	var cfg config.Config
	cfg.SetDefaults()
	cfg.Expander = []string{string(plan.Ask)}
	r := newRigWith(t, cfg, pendingPod())
	r.scaler.expander = &expander{client: preferB{}}
	if _, err := r.scaler.Record(); !errors.Is(err, ErrNoLoop) {
		t.Errorf("before the first loop: %v", err)
	}
	for range 2 {
		r.scaler.loop(context.Background())
		kept, err := r.scaler.Record()
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := record.Write(&file, kept); err != nil {
			t.Fatal(err)
		}
		again, err := record.Read(&file)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := again.Decide()
		if different := kept.Outcome.Differences(record.OutcomeOf(p)); len(different) > 0 {
			t.Errorf("%q", different)
		}
		if up := kept.Outcome.ScaleUp; len(up) != 1 || up[0].Group != "b" {
			t.Errorf("it grows %+v", up)
		}
		r.scaler.memory.LastOf, r.scaler.memory.Promises = nil, nil // the cloud forgets what it accepted
	}
}

// preferB is a gRPC expander.
type preferB struct{}

func (preferB) BestOptions(context.Context, []grpcexpander.Option) ([]string, error) {
	return []string{"b"}, nil
}
func (preferB) Close() error { return nil }

// A recheck takes new nodes to be like the last node of their group, as the loop does: the group's own description offers less
// than the pod needs.
func TestARecheckKnowsNewNodesAsTheLoopDoes(t *testing.T) {
	t.Parallel()
	node := func(name string) *corev1.Node {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.Time{Time: startTime().Add(-time.Hour)}}}
		n.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"), corev1.ResourcePods: resource.MustParse("110")}
		n.Status.Capacity = n.Status.Allocatable
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: n.CreationTimestamp}}
		return n
	}
	pod := func(name, on string) *corev1.Pod {
		p := pendingPod()
		p.Name, p.Spec.NodeName, p.Status.Conditions = name, on, nil
		p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "r", Controller: new(true)}}
		p.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("6")
		return p
	}
	owner := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "r"}}
	r := newRig(t, owner, node("going"), node("stays"), pod("moves", "going"), pod("runs", "stays"))
	// One node more is on its way, and may be a place for the pod that moves.
	r.provider.member = map[string]string{"going": "a", "stays": "a", "requested": "a"}
	groups, err := r.provider.Observe(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.scaler.recheck.cloud.seen(groups, fleet.View{}, fleet.Memory{}, startTime())
	_, v, err := r.scaler.recheckNode(context.Background(), "going")
	if err != nil || v.Code != plan.Unneeded {
		t.Errorf("%v, %v", v, err)
	}
}

// A recheck has the loop's examples of groups that have lost their nodes.
func TestARecheckHasTheLoopsExamples(t *testing.T) {
	t.Parallel()
	n := idle()
	r := newRig(t, n)
	r.provider.member = map[string]string{"n": "a"}
	r.loop()
	if err := r.scaler.deps.Kube.Client.Delete(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	r.loop()
	if got := r.scaler.recheck.knownExamples(); len(got) != 1 || got["a"].Node == nil || got["a"].Node.Name != "n" {
		t.Errorf("examples %v, want node n for group a", got)
	}
}
