package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

func ranked(p *corev1.Pod, priority int32, grace int64) *corev1.Pod {
	p.Spec.Priority, p.Spec.TerminationGracePeriodSeconds = &priority, &grace
	return p
}

func annotated(p *corev1.Pod, value string) *corev1.Pod {
	p.Annotations = map[string]string{annotationEvictDaemon: value}
	return p
}

// evictions writes down what is evicted, one line for all pods between two looks at the node.
type evictions struct {
	mu   sync.Mutex
	list []string
}

func (e *evictions) note(name string, grace *int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, fmt.Sprintf("%s:%d", name, *grace))
}

func (e *evictions) String() string { return strings.Join(e.list, " ") }

// evictionsOf drains the node of the rig, and returns the evictions in their order with the grace of each.
func evictionsOf(t *testing.T, r *rig, cfg func(*DrainConfig), removal plan.Removal) (string, error) {
	t.Helper()
	seen := &evictions{}
	r.onEviction = func(pod string, e *policyv1.Eviction) { seen.note(pod, e.DeleteOptions.GracePeriodSeconds) }
	cfg(&r.drainer.cfg)
	removal.Node, removal.Group = "n1", "g"
	r.drainer.Begin(context.Background(), removal)
	err := r.outcome()
	return seen.String(), err
}

// Pods leave by priority: those of a group are not touched before those of all lower ones are gone.
func TestPodsLeaveByPriority(t *testing.T) {
	groups, err := plan.ParseEvictionGroups("10000:20,1000:100,0:60")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, testNode(),
		ranked(testPod("top", "ReplicaSet"), 2_000_000_000, 30), ranked(testPod("high", "ReplicaSet"), 10000, 10),
		ranked(testPod("middle", "ReplicaSet"), 9999, 600), ranked(testPod("zero", "ReplicaSet"), 0, 600), ranked(testPod("below", "ReplicaSet"), -7, 30))
	refusals := map[string]int{"zero": 2, "middle": 1}
	var mu sync.Mutex
	r.onEvict = func(pod string) error {
		mu.Lock()
		defer mu.Unlock()
		if refusals[pod]--; refusals[pod] >= 0 {
			return apierrors.NewTooManyRequests("budget", 0)
		}
		return nil
	}
	got, err := evictionsOf(t, r, func(c *DrainConfig) { c.EvictionGroups = groups }, plan.Removal{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"below:30", "zero:60", "middle:100"}
	if !strings.HasPrefix(got, strings.Join(want, " ")) {
		t.Errorf("evicted %s, want first %v", got, want)
	}
	if last := strings.TrimPrefix(got, strings.Join(want, " ")); last != " high:10 top:20" && last != " top:20 high:10" {
		t.Errorf("evicted last:%s", last)
	}
}

// A grace of 0 caps nothing: a pod that asks for time is not killed at once.
func TestNoCapOnTheGrace(t *testing.T) {
	r := newRig(t, testNode(), ranked(testPod("web", "ReplicaSet"), 0, 900))
	got, err := evictionsOf(t, r, func(c *DrainConfig) { c.MaxGracefulTermination = 0 }, plan.Removal{})
	if err != nil || got != "web:900" {
		t.Errorf("%s, %v", got, err)
	}
}

// Pods of DaemonSets are evicted as the configuration and their annotations say, and are waited for only with groups.
func TestDaemonSetEviction(t *testing.T) {
	refused := apierrors.NewTooManyRequests("budget", 0)
	pods := func() []*corev1.Pod {
		return []*corev1.Pod{testPod("plain", "DaemonSet"), annotated(testPod("always", "DaemonSet"), "true"), annotated(testPod("never", "DaemonSet"), "false")}
	}
	for _, c := range []struct {
		name    string
		cfg     DrainConfig
		empty   bool
		refuse  bool
		left    string
		failing string
	}{
		{"occupied, off", DrainConfig{}, false, false, "never plain", ""},
		{"occupied, on", DrainConfig{DaemonSetsOfOccupied: true}, false, false, "never", ""},
		{"occupied, the other on", DrainConfig{DaemonSetsOfEmpty: true}, false, false, "never plain", ""},
		{"empty, off", DrainConfig{DaemonSetsOfOccupied: true}, true, false, "never plain", ""},
		{"empty, on", DrainConfig{DaemonSetsOfEmpty: true}, true, false, "never", ""},
		{"refused, and nobody waits", DrainConfig{DaemonSetsOfOccupied: true}, false, true, "always never plain", ""},
		{"refused, and waited for", DrainConfig{EvictionGroups: []plan.EvictionGroup{{}}}, false, true, "always never plain", "pod default/always could not be evicted"},
		{"refused, empty, and nobody waits", DrainConfig{EvictionGroups: []plan.EvictionGroup{{}}}, true, true, "always never plain", ""},
	} {
		r := newRig(t, testNode())
		r.empty = c.empty
		for _, p := range pods() {
			r.add(p)
		}
		if !c.empty {
			r.add(testPod("web", "ReplicaSet"))
		}
		r.onEvict = func(pod string) error {
			if c.refuse && pod != "web" {
				return refused
			}
			return nil
		}
		_, err := evictionsOf(t, r, func(cfg *DrainConfig) {
			c.cfg.MaxPodEvictionTime, c.cfg.Poll = cfg.MaxPodEvictionTime, cfg.Poll
			*cfg = c.cfg
		}, plan.Removal{Empty: c.empty})
		if c.failing == "" && err != nil || c.failing != "" && (err == nil || !strings.Contains(err.Error(), c.failing)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.failing)
		}
		if got := r.podNames(); got != c.left {
			t.Errorf("%s: left %q, want %q", c.name, got, c.left)
		}
	}
}

// A pod below the cutoff is neither evicted nor waited for, one of a DaemonSet no more than another; and a pod that an
// annotation makes a DaemonSet's is treated as one.
func TestPodsThatAreLeftToTheirNode(t *testing.T) {
	custom := testPod("custom", "CustomSet")
	custom.Annotations = map[string]string{annotationDaemonSetPod: "true"}
	never := testPod("never", "")
	never.Annotations = map[string]string{annotationDaemonSetPod: "true", annotationEvictDaemon: "false"}
	for _, c := range []struct {
		daemons       bool
		evicted, left string
	}{
		{false, "web:30", "agent cheap custom never"},
		{true, "custom:30 web:30", "agent cheap never"},
	} {
		r := newRig(t, testNode(), testPod("web", "ReplicaSet"), ranked(testPod("cheap", "ReplicaSet"), -11, 30), ranked(testPod("agent", "DaemonSet"), -11, 30),
			custom.DeepCopy(), never.DeepCopy())
		r.onEvict = func(pod string) error {
			if pod == "cheap" || pod == "agent" {
				t.Errorf("%s is evicted", pod)
			}
			return nil
		}
		got, err := evictionsOf(t, r, func(cfg *DrainConfig) { cfg.DaemonSetsOfOccupied = c.daemons }, plan.Removal{})
		sorted := strings.Join(slices.Sorted(slices.Values(strings.Fields(got))), " ")
		if err != nil || sorted != c.evicted || r.podNames() != c.left {
			t.Errorf("DaemonSets %t: %v, evicted %q, left %q; want %q and %q", c.daemons, err, sorted, r.podNames(), c.evicted, c.left)
		}
	}
}

// The DaemonSet's controller may put a pod onto the node again, which tolerates everything: it is not evicted for ever.
func TestDaemonsThatComeBackAreLeft(t *testing.T) {
	r := newRig(t, testNode(), testPod("agent", "DaemonSet"), testPod("web", "ReplicaSet"))
	evicted := 0
	r.onEviction = func(pod string, _ *policyv1.Eviction) {
		if pod == "agent" {
			evicted++
		}
	}
	r.afterEvict = func(pod string) {
		if pod == "agent" {
			again := testPod("agent", "DaemonSet")
			again.UID = "another"
			r.add(again)
		}
	}
	r.drainer.cfg.EvictionGroups = []plan.EvictionGroup{{Grace: time.Minute}}
	r.drainer.cfg.DaemonSetsOfOccupied = true
	r.drainer.Begin(context.Background(), plan.Removal{Node: "n1", Group: "g"})
	if err := r.outcome(); err != nil || evicted != 1 || r.podNames() != "agent" {
		t.Errorf("%v, evicted %d times, left %s", err, evicted, r.podNames())
	}
}

// A pod that ends too late during a drain undoes it. One that was late when the drain began keeps nothing, or the node would
// be drained in vain for ever.
func TestPodsThatEndTooLate(t *testing.T) {
	deaf := testPod("deaf", "ReplicaSet")
	deaf.Finalizers = []string{"test/deaf"}
	r := newRig(t, testNode(), deaf)
	r.now = time.Now() // with which the fake API server marks the pod
	if _, err := evictionsOf(t, r, func(*DrainConfig) {}, plan.Removal{}); err == nil || !strings.Contains(err.Error(), "pod default/deaf has not ended") {
		t.Fatalf("first drain: %v", err)
	}
	// What follows is seen of the same cluster, a minute later.
	again, err := evictionsOf(t, r, func(*DrainConfig) {}, plan.Removal{})
	if err != nil || again != "" || len(r.deleted) != 1 {
		t.Errorf("second drain: evicted %q, deleted %v, %v", again, r.deleted, err)
	}
}
