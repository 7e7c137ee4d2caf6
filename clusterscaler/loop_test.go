package clusterscaler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	sharedconfig "github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/journal"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
)

const startUnix = 1_767_225_600

// start is the time of all loops here.
func startTime() time.Time { return time.Unix(startUnix, 0) }

func sprint(v any) string { return fmt.Sprintf("%+v", v) }

// stub is a driver of a cloud whose group refuses to grow where told so.
type stub struct {
	Provider
	refuse map[string]bool
	mu     sync.Mutex
	grown  []string
	// looks counts the observations.
	looks  int
	failed map[string][]fleet.Failed
	member map[string]string
	broken error
}

func (s *stub) Observe(context.Context, []*corev1.Node) ([]fleet.Group, error) {
	s.looks++
	if s.broken != nil {
		return nil, s.broken
	}
	var groups []fleet.Group
	for _, name := range []string{"a", "b"} {
		g := fleet.Group{Name: name, Max: 3, Template: &corev1.Node{}, Instances: []fleet.Instance{}}
		for _, f := range s.failed[name] {
			g.Instances = append(g.Instances, fleet.Instance{ID: f.Instance, State: fleet.Creating, Failure: &f.Failure})
		}
		for _, node := range slices.Sorted(maps.Keys(s.member)) {
			if s.member[node] == name {
				g.Instances = append(g.Instances, fleet.Instance{ID: node, State: fleet.Running})
			}
		}
		g.Target = new(len(g.Instances))
		g.Template.Status.Capacity = corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("16Gi"), "pods": resource.MustParse("110")}
		g.Template.Status.Allocatable = g.Template.Status.Capacity
		groups = append(groups, g)
	}
	return groups, nil
}

// ask writes down what is asked for.
func (s *stub) ask(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grown = append(s.grown, fmt.Sprintf(format, args...))
}

func (s *stub) SetTarget(_ context.Context, r fleet.Resize) (int, error) {
	if r.To > r.From && s.refuse[r.Group] {
		return 0, fmt.Errorf("refused: %w", &fleet.Failure{Class: fleet.Quota, Message: "no capacity"})
	}
	s.ask("%s %d%+d", r.Group, r.From, r.To-r.From)
	return max(r.To-r.From, r.From-r.To), nil
}

func (s *stub) Terminate(_ context.Context, t fleet.Termination) ([]fleet.Victim, error) {
	for _, v := range t.Victims {
		s.ask("%s -%s", t.Group, v.ID)
	}
	return t.Victims, nil
}

func pendingPod() *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", CreationTimestamp: metav1.Time{Time: startTime().Add(-time.Minute)}}}
	p.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("3")}}}}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
	return p
}

// decode reads the section clusterScaler.
func decode(text string) (config.Config, error) {
	var c config.Config
	c.SetDefaults()
	return c, sharedconfig.Decode("f", []byte(text), &c)
}

type rig struct {
	scaler   *ClusterScaler
	provider *stub
	events   *events.FakeRecorder
	journal  *journal.Journal
	listing  error
	registry *prometheus.Registry
	// now is the clock, and log what was logged.
	now func() time.Time
	log logBuffer
	// held, if it is not nil, holds all writes up until it is closed; writes counts them.
	held   chan struct{}
	writes atomic.Int64
}

// await returns when a write is answered.
func (r *rig) await() {
	r.writes.Add(1)
	if r.held != nil {
		<-r.held
	}
}

func newRig(t *testing.T, objects ...client.Object) *rig {
	t.Helper()
	var cfg config.Config
	cfg.SetDefaults()
	return newRigWith(t, cfg, objects...)
}

func newRigWith(t *testing.T, cfg config.Config, objects ...client.Object) *rig {
	t.Helper()
	reg := prometheus.NewRegistry()
	r := &rig{provider: &stub{refuse: map[string]bool{}}, events: events.NewFakeRecorder(1000), registry: reg, now: startTime}
	now, log := func() time.Time { return r.now() }, slog.New(slog.NewTextHandler(&r.log, nil))
	r.journal = journal.New(100, slog.New(slog.DiscardHandler), reg, now)
	api := fake.NewClientBuilder().WithObjects(objects...).WithIndex(&corev1.Pod{}, "spec.nodeName", func(o client.Object) []string {
		return []string{o.(*corev1.Pod).Spec.NodeName}
	}).WithInterceptorFuncs(interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if r.listing != nil {
				return r.listing
			}
			return c.List(ctx, list, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			r.await()
			return c.Patch(ctx, o, p, opts...)
		},
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			r.await()
			return c.Apply(ctx, o, opts...)
		},
	}).Build()
	r.scaler = newWith(cfg, Deps{
		Kube: &sharedkube.Kube{Client: api, Live: api, Events: r.events}, Journal: r.journal, Log: log, Registry: reg, Now: now,
	}, r.provider)
	return r
}

// loop runs one, and writes what it wants to be written.
func (r *rig) loop() {
	r.scaler.loop(context.Background())
	r.write()
}

// write writes what the loop wants to be written.
func (r *rig) write() {
	r.scaler.marks.Finish(context.Background())
	r.scaler.report.Finish(context.Background())
}

// announced are the Events on pods since they were read last, and told those on the status ConfigMap.
func (r *rig) announced() []string {
	pods, _ := r.said()
	return pods
}

func (r *rig) told() []string {
	_, status := r.said()
	return status
}

func (r *rig) said() (pods, status []string) {
	for {
		select {
		case e := <-r.events.Events:
			if strings.Contains(e, "TriggeredScaleUp ") || strings.Contains(e, "NotTriggerScaleUp ") {
				pods = append(pods, e)
			} else {
				status = append(status, e)
			}
		default:
			return pods, status
		}
	}
}

func TestLoopGrowsAGroupAndSaysSoOnce(t *testing.T) {
	r := newRig(t, pendingPod())
	if err := r.scaler.Ready(); !errors.Is(err, errNotPlanned) {
		t.Errorf("ready before the first plan: %v", err)
	}
	if wait := r.scaler.loop(context.Background()); wait > 10*time.Second {
		t.Errorf("next loop in %s", wait)
	}
	if err := r.scaler.Ready(); err != nil {
		t.Error(err)
	}
	if len(r.provider.grown) != 1 || r.provider.grown[0] != "a 0+1" {
		t.Errorf("grown %v", r.provider.grown)
	}
	said := r.announced()
	if len(said) != 1 || !strings.HasPrefix(said[0], "Normal TriggeredScaleUp ") || !strings.Contains(said[0], "group a, from 0, to 1, max 3") {
		t.Errorf("events %q", said)
	}
	r.scaler.loop(context.Background())
	if again := r.announced(); len(again) != 0 {
		t.Errorf("said again: %q", again)
	}
	if len(r.provider.grown) != 1 {
		t.Errorf("a cloud that tells the old size is asked again: %v", r.provider.grown)
	}
	if got := r.journal.Recent(journal.Filter{Subject: "pod default/web"}); len(got) != 2 || got[1].Code != plan.TriggeredScaleUp || got[0].Code != plan.FitsUpcomingNode {
		t.Errorf("journal %v", got)
	}
}

// The group that fails is backed off and the next best grows in the loop that follows at once.
func TestLoopTakesTheNextBestGroup(t *testing.T) {
	r := newRig(t, pendingPod())
	r.provider.refuse["a"] = true
	if wait := r.scaler.loop(context.Background()); wait != minimalPause {
		t.Errorf("next loop in %s, want at once", wait)
	}
	r.scaler.loop(context.Background())
	if len(r.provider.grown) != 1 || r.provider.grown[0] != "b 0+1" {
		t.Errorf("grown %v", r.provider.grown)
	}
	if said := r.announced(); len(said) != 1 || !strings.Contains(said[0], "group b") {
		t.Errorf("events %q", said)
	}
}

// The class of a refusal is in the back-off and in the verdict: it says who can do something about it.
func TestLoopTellsTheClassOfARefusal(t *testing.T) {
	r := newRig(t, pendingPod())
	r.provider.refuse["a"] = true
	r.loop()
	r.loop()
	if b := r.scaler.memory.Backoffs["a"]; b.Class != fleet.Quota || b.Why != "refused: no capacity" {
		t.Errorf("back-off %+v", b)
	}
	got := r.journal.Recent(journal.Filter{Subject: "group a"})
	if len(got) == 0 || got[0].Code != plan.BackedOff || !strings.Contains(got[0].Message, "after refused: no capacity, class quota") {
		t.Errorf("journal %v", got)
	}
}

// What cannot be launched is given up, and the next best grows in the same loop.
func TestLoopGivesUpWhatCannotBeLaunched(t *testing.T) {
	r := newRig(t, pendingPod())
	r.provider.failed = map[string][]fleet.Failed{"a": {{Instance: "i-1", Failure: fleet.Failure{Message: "out of capacity"}}}}
	r.scaler.loop(context.Background())
	slices.Sort(r.provider.grown) // groups are asked side by side
	if got := strings.Join(r.provider.grown, ", "); got != "a -i-1, b 0+1" {
		t.Errorf("asked of the provider: %s", got)
	}
	got := r.journal.Recent(journal.Filter{Subject: "group a"})
	if len(got) != 1 || got[0].Code != plan.BackedOff || !strings.Contains(got[0].Message, "after out of capacity") {
		t.Errorf("journal %v", got)
	}
}

func TestExplainTellsOfTheLastLoop(t *testing.T) {
	r := newRig(t, pendingPod())
	if _, _, err := r.scaler.Explain("pod", "default/web"); !errors.Is(err, ErrNoLoop) {
		t.Errorf("before a loop: %v", err)
	}
	r.scaler.loop(context.Background())
	e, at, err := r.scaler.Explain("pod", "default/web")
	if err != nil || !at.Equal(startTime()) || e.Code != plan.TriggeredScaleUp || e.Group != "a" || len(e.Groups) != 2 || e.Groups[1].Code != plan.NotChosen {
		t.Errorf("%+v at %s, %v", e, at, err)
	}
	for _, c := range [][2]string{{"pod", "default/nobody"}, {"node", "default/web"}, {"group", "a"}} {
		if _, _, err := r.scaler.Explain(c[0], c[1]); !errors.Is(err, ErrUnknown) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// The loop writes the status as cluster-autoscaler does, where it is to be written.
func TestStatusConfigMap(t *testing.T) {
	for _, on := range []bool{true, false} {
		var cfg config.Config
		cfg.SetDefaults()
		cfg.WriteStatusConfigmap = on
		r := newRigWith(t, cfg, pendingPod())
		r.loop()
		var m corev1.ConfigMap
		err := r.scaler.deps.Kube.Client.Get(context.Background(), client.ObjectKey{Namespace: "kube-system", Name: "cluster-autoscaler-status"}, &m)
		if written := err == nil; written != on {
			t.Fatalf("written is %t, want %t: %v", written, on, err)
		}
		if text := m.Data["status"]; on && (!strings.Contains(text, "autoscalerStatus: Running") || !strings.Contains(text, "status: InProgress") ||
			m.Annotations["cluster-autoscaler.kubernetes.io/last-updated"] != "2026-01-01 00:00:00 +0000 UTC") {
			t.Errorf("%v\n%s", m.Annotations, text)
		}
	}
}

func TestNoGroupIsNamedWithItsReason(t *testing.T) {
	big := pendingPod()
	big.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("8")
	r := newRig(t, big)
	r.scaler.loop(context.Background())
	said := r.announced()
	if len(said) != 1 || !strings.Contains(said[0], "NotTriggerScaleUp no node group can take the pod: a: InsufficientCPU: need 8000m, free 4000m; b: InsufficientCPU") {
		t.Errorf("events %q", said)
	}
}

// A loop that cannot see the cluster, or the groups, does nothing and says what it waits for.
func TestLoopHoldsStillWhenBlind(t *testing.T) {
	for _, blind := range []func(*rig){
		func(r *rig) { r.listing = errors.New("the API server is down") },
		func(r *rig) { r.provider.broken = errors.New("the cloud is down") },
	} {
		r := newRig(t, pendingPod())
		blind(r)
		r.scaler.loop(context.Background())
		if len(r.provider.grown) > 0 || len(r.announced()) > 0 {
			t.Errorf("grown %v", r.provider.grown)
		}
		if err := r.scaler.Ready(); err == nil || !strings.Contains(err.Error(), "is down") {
			t.Errorf("ready: %v", err)
		}
	}
}

// The expander's priorities are read for each loop. A ConfigMap that is broken meanwhile changes nothing, and is
// logged once.
func TestPrioritiesAreReadAnew(t *testing.T) {
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: kube.PrioritiesConfigMap}}
	r := newRig(t, m)
	r.scaler.policy.Expanders = []plan.Expander{plan.Prioritize}
	for _, c := range []struct {
		data string
		want int // the number of priorities
		logs bool
	}{
		{"nonsense", 0, true}, {"nonsense", 0, false}, {"10: [a]", 1, false}, {"10: [a]\n20: [b]", 2, false}, {"10: ['(']", 2, true}, {"10: [a]", 1, false},
	} {
		m.Data = map[string]string{"priorities": c.data}
		if err := r.scaler.deps.Kube.Client.Update(context.Background(), m); err != nil {
			t.Fatal(err)
		}
		r.scaler.loop(context.Background())
		if got := r.scaler.last.policy.Priorities; len(got) != c.want {
			t.Errorf("after %q: %v, want %d", c.data, got, c.want)
		}
		if said := strings.Contains(r.log.take(), "configmap=kube-system/cluster-autoscaler-priority-expander"); said != c.logs {
			t.Errorf("after %q: logged is %t, want %t", c.data, said, c.logs)
		}
	}
	r.scaler.policy.Expanders = []plan.Expander{plan.LeastWaste}
	r.scaler.loop(context.Background())
	if got := r.scaler.last.policy.Priorities; got != nil {
		t.Errorf("read though nobody asks: %v", got)
	}
}
