package report

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Each thing that is done is told once on the status ConfigMap, and what holds on when it begins.
func TestStatusEvents(t *testing.T) {
	no := errors.New("no")
	var e statusEvents
	e.increased(plan.Increase{Group: "a", From: 1, To: 3, Max: 5, Pods: []string{"p"}}, 2, nil)
	e.increased(plan.Increase{Group: "a", From: 1, To: 3}, 0, no)
	e.increased(plan.Increase{Group: "b", From: 1, To: 3}, 1, no)
	e.decreased(plan.Decrease{Group: "a", From: 5, To: 2, Failed: 1}, no)
	e.decreased(plan.Decrease{Group: "a", From: 5, To: 4, Failed: 1}, nil)
	e.deleted("a", []fleet.Victim{{ID: "i-1"}, {ID: "i-2"}}, nil)
	e.deleted("a", nil, map[fleet.Victim]error{{ID: "i-3"}: no})
	e.begins(plan.Removal{Node: "n", Group: "a", Empty: true})
	e.begins(plan.Removal{Node: "m", Group: "a", Utilization: 0.25, Moves: make([]plan.Move, 2)})
	e.ended(kube.Outcome{Node: "n", Group: "a"})
	e.ended(kube.Outcome{Node: "m", Group: "a", Err: no})
	full := []verdict.Verdict{verdict.Because(verdict.On("group", "a"), plan.MaxNodesTotalReached, verdict.Number("nodes", 5)), verdict.Because(verdict.On("group", "b"), plan.MaxNodesTotalReached)}
	sick := verdict.Because(verdict.On("cluster", ""), plan.ClusterUnhealthy, verdict.Number("unready", 5))
	for _, p := range []plan.Plan{{Groups: full[:1]}, {Groups: full[:1], Cluster: sick}, {Cluster: sick}, {Groups: full[1:]}} {
		e.state(&p)
	}
	var got []string
	for _, event := range e.waiting {
		got = append(got, event.kind+" "+event.reason+" "+event.note)
	}
	want := `Normal ScaledUpGroup group a grows from 1 to 3 (max 5) for 1 pods
Warning FailedToScaleUpGroup group a could not grow from 1 to 3: no
Warning FailedToScaleUpGroup group b could not grow from 1 to 3, only to 2: no
Warning ScaleUpFailed 1 nodes of group a could not be launched
Warning ScaleUpTimedOut 2 nodes of group a have not registered in time
Warning FailedToRevertScaleUp group a still works towards 5 nodes instead of 2: no
Warning ScaleUpFailed 1 nodes of group a could not be launched
Normal DeleteUnregistered instance i-1 of group a has not registered in time and is deleted
Normal DeleteUnregistered instance i-2 of group a has not registered in time and is deleted
Warning DeleteUnregisteredFailed instance i-3 of group a has not registered in time and could not be deleted: no
Normal ScaleDownEmpty node n of group a goes; it has no pods to move
Normal ScaleDown node m of group a goes: utilization 25%; pods to move: 2
Warning ScaleDownFailed node m of group a is kept: no
Warning MaxNodesTotalReached no group grows: nodes 5
Warning ClusterUnhealthy nothing is done: unready 5
Warning MaxNodesTotalReached no group grows: `
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

// The Events are found by `kubectl describe configmap`: they name the ConfigMap with its UID.
func TestStatusEventsNameTheConfigMap(t *testing.T) {
	var e statusEvents
	e.normal("ScaledUpGroup", "x")
	seen := &regarding{}
	tell(seen, e.waiting, types.NamespacedName{Namespace: "kube-system", Name: "cluster-autoscaler-status"}, "u-1")
	m, ok := seen.object.(*corev1.ConfigMap)
	if !ok || m.Namespace != "kube-system" || m.Name != "cluster-autoscaler-status" || m.UID != "u-1" {
		t.Errorf("%+v", seen.object)
	}
}

// regarding keeps the object of the last Event.
type regarding struct{ object runtime.Object }

func (r *regarding) Eventf(object, _ runtime.Object, _, _, _, _ string, _ ...any) { r.object = object }
