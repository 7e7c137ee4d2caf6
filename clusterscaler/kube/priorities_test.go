package kube

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPriorities(t *testing.T) {
	for _, c := range []struct {
		name, key, text string
		want            string // the values and expressions, or a part of the error
	}{
		{"highest first", "priorities", "10:\n  - .*t2\\.large.*\n  - .*t3\\.large.*\n50: ['.*m4.*']\n", "50 [.*m4.*] 10 [.*t2\\.large.* .*t3\\.large.*]"},
		{"a priority without groups", "priorities", "10: []\n", "10 []"},
		{"no such key", "prios", "10: [.*]", "configmap kube-system/cluster-autoscaler-priority-expander: the key priorities is missing"},
		{"empty", "priorities", "", `empty; write a line such as "10: [.*]"`},
		{"not numbers", "priorities", "high: [.*]", "not a mapping from whole numbers"},
		{"not lists", "priorities", "10: general", "not a mapping from whole numbers"},
		{"twice", "priorities", "10: [a]\n10: [b]", "already defined"},
		{"a bad expression", "priorities", "10: [a, 'b(']", "priorities: priority 10, expression 2: error parsing regexp"},
	} {
		m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: PrioritiesConfigMap}, Data: map[string]string{c.key: c.text}}
		got, err := Observer{Live: newRig(t, m).api}.Priorities(context.Background(), "kube-system")
		var said []string
		for _, p := range got {
			said = append(said, fmt.Sprint(p.Value, " ", p.Groups))
		}
		if err != nil {
			said = []string{err.Error()}
		}
		if text := strings.Join(said, " "); !strings.Contains(text, c.want) {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
	if _, err := (Observer{Live: newRig(t).api}).Priorities(context.Background(), "kube-system"); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("no ConfigMap: %v", err)
	}
}
