package kubesched_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched/kubeschedtest"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// On random clusters with volumes and device claims, bare pods that may be evicted among them, each node that a plan removes
// may still go once all of them have their taint.
func TestWhatIsRemovedIsStillRemovable(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 8))
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	policy := plan.DefaultPolicy()
	policy.IgnoreTimers, policy.UtilizationThreshold = true, 1
	judged, several, bare := 0, 0, 0
	for i := range 400 {
		c := kubeschedtest.Random(r)
		for _, n := range c.Nodes {
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
			n.Status.Allocatable[corev1.ResourceCPU] = resource.MustParse("12")
			n.Status.Capacity = n.Status.Allocatable
		}
		groups, member := groupOfEach(c.Nodes)
		for i := range groups {
			groups[i].Max = groups[i].Target // a loop that grows removes nothing
		}
		objects := &kube.Objects{Nodes: c.Nodes, Pods: owned(c.Pods), Storage: &c.Objects}
		for _, p := range objects.Pods {
			if r.IntN(2) == 0 {
				p.OwnerReferences = nil
				p.Annotations = map[string]string{"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}
			}
		}
		first, _ := plan.Decide((&kube.Observation{Objects: objects, Groups: groups, GroupOf: member}).Snapshot(), plan.Memory{}, policy, now)
		objects.Nodes = slices.Clone(c.Nodes)
		for _, removal := range first.ScaleDown {
			at := slices.IndexFunc(c.Nodes, func(n *corev1.Node) bool { return n.Name == removal.Node })
			objects.Nodes[at] = c.Nodes[at].DeepCopy()
			objects.Nodes[at].Spec.Taints = append(objects.Nodes[at].Spec.Taints, corev1.Taint{Key: group.GoingTaint, Value: "1767225600", Effect: corev1.TaintEffectNoSchedule})
			for _, p := range objects.Pods {
				if p.Spec.NodeName == removal.Node && len(p.OwnerReferences) == 0 {
					bare++
				}
			}
		}
		fresh := (&kube.Observation{Objects: objects, Groups: groups, GroupOf: member}).Snapshot()
		for _, removal := range first.ScaleDown {
			if _, v := plan.Recheck(fresh, plan.Memory{}, policy, now, removal.Node); v.Code != plan.Unneeded {
				t.Errorf("cluster %d: planned %+v of %d, then %s", i, removal, len(first.ScaleDown), v)
			}
			judged++
		}
		if len(first.ScaleDown) > 1 {
			several++
		}
	}
	if judged < 100 || several < 30 || bare < 20 {
		t.Errorf("the cases hardly test anything: %d removals judged again, %d plans with several, %d bare pods", judged, several, bare)
	}
}
