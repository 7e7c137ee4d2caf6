package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// town is a cluster that outlives the processes which drain its node n1, and that watches what they do to it.
type town struct {
	t      *testing.T
	api    client.WithWatch
	groups []plan.EvictionGroup

	mu sync.Mutex
	// stays says that the node may no longer go; staysAfter is the process with which that begins.
	staysAfter, process int
	refusals            map[string]int
	// delays is how many more looks there are before another program takes its annotation from the node.
	delays int
	// story is what was done, for the message of a failure.
	story []string
}

// movers are the pods that have to leave.
const movers = "below zero high"

func newTown(t *testing.T, staysAfter int) *town {
	n := testNode()
	n.Annotations = map[string]string{annotationDelayDeletion + "x": ""}
	return &town{
		t: t, groups: []plan.EvictionGroup{{Priority: 0, Grace: time.Minute}, {Priority: 100, Grace: time.Minute}},
		staysAfter: staysAfter, refusals: map[string]int{"zero": 1}, delays: 2,
		api: fake.NewClientBuilder().
			WithObjects(n, testPod("agent", "DaemonSet"), mirrorPod(), ranked(testPod("below", "ReplicaSet"), -5, 30), ranked(testPod("zero", "ReplicaSet"), 0, 30), ranked(testPod("high", "ReplicaSet"), 100, 30)).
			WithIndex(&corev1.Pod{}, "spec.nodeName", func(o client.Object) []string { return []string{o.(*corev1.Pod).Spec.NodeName} }).Build(),
	}
}

// node is the node as it is; nil when it is gone.
func (c *town) node() *corev1.Node {
	n := &corev1.Node{}
	if err := c.api.Get(context.Background(), client.ObjectKey{Name: "n1"}, n); err != nil {
		if !apierrors.IsNotFound(err) {
			c.t.Fatal(err)
		}
		return nil
	}
	return n
}

func (c *town) left() []string {
	all, err := podsOn(context.Background(), c.api, "n1")
	if err != nil {
		c.t.Fatal(err)
	}
	var names []string
	for i := range all {
		if strings.Contains(movers, all[i].Name) {
			names = append(names, all[i].Name)
		}
	}
	return names
}

func (c *town) wrong(format string, args ...any) {
	c.t.Errorf("%s\nafter\n%s", fmt.Sprintf(format, args...), strings.Join(c.story, "\n"))
}

// evicts checks that the node is marked, and that all of lower groups are gone.
func (c *town) evicts(pod string) error {
	if n := c.node(); n == nil || !Going(n) {
		c.wrong("%s is evicted from a node without the mark", pod)
	}
	if left := strings.Join(c.left(), " "); pod == "high" && left != "high" {
		c.wrong("%s is evicted before %s", pod, left)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals[pod]--; c.refusals[pod] >= 0 {
		return apierrors.NewTooManyRequests("budget", 0)
	}
	return nil
}

// deletes checks that the node may go, and is empty.
func (c *town) deletes() error {
	n := c.node()
	switch {
	case n == nil: // it is gone already, which is no error
		return nil
	case !Going(n) || len(c.left()) > 0 || c.process >= c.staysAfter || len(delaying(n)) > 0:
		c.wrong("a node is deleted that has %v, annotations %v and pods %v; it stays from process %d on", n.Spec.Taints, n.Annotations, c.left(), c.staysAfter)
	}
	return c.api.Delete(context.Background(), n)
}

// looked lets the other program get on with its work, once the pods are gone.
func (c *town) looked() {
	n := c.node()
	if n == nil || len(c.left()) > 0 || len(delaying(n)) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.delays--; c.delays <= 0 {
		n.Annotations = nil
		if err := c.api.Update(context.Background(), n); err != nil {
			c.t.Fatal(err)
		}
	}
}

var errKilled = errors.New("the process is dead")

// process is one that is killed at one of its calls, before it is done or, late, before the answer comes.
type process struct {
	town    *town
	drainer *Drainer
	ctx     context.Context
	cancel  context.CancelFunc
	late    bool

	mu     sync.Mutex
	killAt int
	calls  int
	dead   bool
	ended  []Outcome
}

// start begins a process; killAt 0 lets it live.
func (c *town) start(killAt int, late bool) *process {
	c.process++
	p := &process{town: c, killAt: killAt, late: late}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	api := interceptor.NewClient(c.api, interceptor.Funcs{
		Get: func(ctx context.Context, api client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			return p.do("get "+key.Name, func() error { c.looked(); return api.Get(ctx, key, o, opts...) })
		},
		List: func(ctx context.Context, api client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			return p.do("list pods", func() error { return api.List(ctx, l, opts...) })
		},
		Patch: func(ctx context.Context, api client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return p.do("patch "+o.GetName(), func() error { return api.Patch(context.WithoutCancel(ctx), o, patch, opts...) })
		},
		SubResourceCreate: func(ctx context.Context, api client.Client, sub string, o, body client.Object, opts ...client.SubResourceCreateOption) error {
			return p.do("evict "+o.GetName(), func() error {
				if err := c.evicts(o.GetName()); err != nil {
					return err
				}
				return api.SubResource(sub).Create(context.WithoutCancel(ctx), o, body, opts...)
			})
		},
	})
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p.drainer = NewDrainer(DrainConfig{MaxPodEvictionTime: 2 * time.Minute, EvictionGroups: c.groups, ExpendableBelow: -10, DeletionDelay: time.Minute, Poll: time.Microsecond}, DrainDeps{
		Client: api, Live: api, Events: &events.FakeRecorder{}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		Recheck: func(context.Context, string) (plan.Removal, verdict.Verdict, error) {
			code := plan.Unneeded
			if c.process >= c.staysAfter {
				code = plan.NoPlaceToMovePods
			}
			err := p.do("judge: "+string(code), func() error { return nil })
			return plan.Removal{Empty: len(c.left()) == 0}, verdict.Because(verdict.On("node", "n1"), code), err
		},
		Delete:   func(context.Context, string, string) error { return p.do("delete", c.deletes) },
		Finished: func(o Outcome) { p.ended = append(p.ended, o) },
	})
	return p
}

// do is one call of the process.
func (p *process) do(what string, call func() error) error {
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return errKilled
	}
	p.calls++
	p.dead = p.calls == p.killAt
	killed := p.dead
	p.town.mu.Lock()
	p.town.story = append(p.town.story, fmt.Sprintf("process %d: %s", p.town.process, what))
	p.town.mu.Unlock()
	p.mu.Unlock()
	if !killed {
		return call()
	}
	p.cancel()
	if p.late {
		_ = call() // nobody learns what came of it
	}
	return errKilled
}

// work is what a process does with the node: it begins, or goes on with what it finds. It returns false when there is
// nothing more to do.
func (p *process) work(begin bool) bool {
	n := p.town.node()
	if n == nil {
		return false
	}
	_, orphans := p.drainer.Observe([]*corev1.Node{n})
	switch {
	case len(orphans) == 1:
		p.drainer.Resume(p.ctx, "n1", "g")
	case begin:
		p.drainer.Begin(p.ctx, plan.Removal{Node: "n1", Group: "g"})
	default:
		return false
	}
	p.drainer.Wait()
	return p.dead
}

// settled checks how it ended: the node is gone and empty, or it is as it was, but for pods that had left.
func (c *town) settled(begun bool) {
	n := c.node()
	switch {
	case n == nil && c.process < c.staysAfter:
	case n == nil:
		// It went before the verdict changed; deletes has checked that.
	case Going(n):
		c.wrong("the node is left with its mark")
	case c.process < c.staysAfter && begun:
		c.wrong("the node could go, and is given back")
	case !begun && strings.Join(c.left(), " ") != "below high zero":
		c.wrong("pods are gone though nothing had begun: %v", c.left())
	}
}

// Killed at any of its calls, before or after the call is done, a drain is finished by the next process, or undone if the
// node may no longer go: from what stands in the cluster alone.
func TestKilledAtEachStep(t *testing.T) {
	for _, staysAfter := range []int{100, 2, 1} { // never, from the second process on, from the first
		for _, late := range []bool{false, true} {
			steps := 0
			for killed := true; killed && !t.Failed(); {
				steps++
				c := newTown(t, staysAfter)
				p := c.start(steps, late)
				killed = p.work(true)
				marked := c.node() == nil || Going(c.node())
				if !killed && len(p.ended) != 1 {
					c.wrong("a process that lives has %d outcomes", len(p.ended))
				}
				if killed && len(p.ended) > 0 && staysAfter > 1 {
					c.wrong("a dead process tells an outcome")
				}
				for range 3 { // the second does the work, and the others find nothing to do
					c.start(0, false).work(false)
				}
				c.settled(marked)
			}
			if steps < 4 || staysAfter == 100 && steps < 15 {
				t.Errorf("stays after %d: only %d steps", staysAfter, steps)
			}
		}
	}
}

// The same with several processes one after another that are all killed somewhere.
func TestKilledAgainAndAgain(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		c := newTown(t, 1+random.IntN(8))
		for i := range 1 + random.IntN(6) {
			c.start(1+random.IntN(14), random.IntN(2) == 0).work(i == 0)
		}
		last := c.start(0, false)
		last.work(false)
		c.finishedOrUndone()
		if t.Failed() {
			return
		}
	}
}

// finishedOrUndone is what is true however often processes died.
func (c *town) finishedOrUndone() {
	if n := c.node(); n != nil && Going(n) {
		c.wrong("the node is left with its mark")
	}
}
