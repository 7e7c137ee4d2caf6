package kube

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// A node with a startup taint is not ready and will lose it; other taints stay, and templates lose all that pass.
func TestTaintsThatPass(t *testing.T) {
	passing := NodeTaints{Startup: []string{"cni"}, StartupPrefixes: []string{"init-"}, Status: []string{"busy"}}
	for _, c := range []struct {
		key             string
		ready, template bool // whether the node is ready with the taint, and whether a template keeps it
	}{
		{"cni", false, false},
		{"init-disk", false, false},
		{"startup-taint.cluster-autoscaler.kubernetes.io/x", false, false},
		{"ignore-taint.cluster-autoscaler.kubernetes.io/x", false, false},
		{"status-taint.cluster-autoscaler.kubernetes.io/x", true, false},
		{"busy", true, false},
		{corev1.TaintNodeMemoryPressure, true, false},
		{group.GoingTaint, true, false},
		{group.CandidateTaint, true, false},
		{"cni-too", true, true},
		{"dedicated", true, true},
	} {
		for _, effect := range []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule} {
			n := testNode()
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: c.key, Effect: effect})
			o := &Objects{Nodes: []*corev1.Node{n}, Taints: passing}
			groups := []plan.Group{{Belief: fleet.Belief{Name: "g"}, Template: scheduling.NodeOf(n)}}
			s := (&Observation{Objects: o, Groups: groups, GroupOf: map[string]string{"n1": "g"}, Deleting: func(*corev1.Node) bool { return false }}).Snapshot()
			if got := s.Nodes[0]; got.Ready != c.ready || hasKey(got.Taints, c.key) != (c.ready && effect == corev1.TaintEffectNoSchedule) || !hasKey(got.Taints, "other") {
				t.Errorf("%s %s: ready %t, taints %v", c.key, effect, got.Ready, got.Taints)
			}
			hard := effect == corev1.TaintEffectNoSchedule
			if got := s.Groups[0].Template.Taints; hasKey(got, c.key) != (c.template && hard) || !hasKey(got, "other") {
				t.Errorf("%s %s: the template has %v", c.key, effect, got)
			}
			if hasKey(groups[0].Template.Taints, c.key) != hard {
				t.Errorf("%s %s: what the provider holds was changed", c.key, effect)
			}
		}
	}
}

func hasKey(taints []scheduling.Taint, key string) bool {
	return slices.ContainsFunc(taints, func(t scheduling.Taint) bool { return t.Key == key })
}

// The Translator notices that a startup taint has gone.
func TestNodeStarts(t *testing.T) {
	n := testNode()
	n.ResourceVersion = "1"
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "startup-taint.cluster-autoscaler.kubernetes.io/" + "x", Effect: corev1.TaintEffectNoSchedule})
	started := n.DeepCopy()
	started.ResourceVersion, started.Spec.Taints = "2", n.Spec.Taints[:1]
	var translator Translator
	var got []string
	for _, object := range []*corev1.Node{n, started} {
		s := translator.Snapshot(&Observation{Objects: &Objects{Nodes: []*corev1.Node{object}}, Deleting: func(*corev1.Node) bool { return false }})
		if s.Nodes[0].Ready {
			got = append(got, "ready")
		} else {
			got = append(got, "starting")
		}
	}
	if s := strings.Join(got, " "); s != "starting ready" {
		t.Error(s)
	}
}
