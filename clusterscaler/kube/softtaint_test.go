package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// softRig has nodes a to e, of which b and d are marked, and writes down the patches.
type softRig struct {
	api     client.WithWatch
	writes  []string
	refuse  map[string]error
	onWrite func()
}

func newSoftRig(t *testing.T) *softRig {
	t.Helper()
	r := &softRig{refuse: map[string]error{}, onWrite: func() {}}
	b := fake.NewClientBuilder()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		n := testNode()
		n.Name = name
		if name == "b" || name == "d" {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: group.CandidateTaint, Value: "1767225000", Effect: corev1.TaintEffectPreferNoSchedule})
		}
		b.WithObjects(n)
	}
	r.api = b.WithInterceptorFuncs(interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
		r.writes = append(r.writes, o.GetName())
		r.onWrite()
		if err := r.refuse[o.GetName()]; err != nil {
			return err
		}
		return c.Patch(ctx, o, p, opts...)
	}}).Build()
	return r
}

func (r *softRig) nodes(t *testing.T) []*corev1.Node {
	t.Helper()
	var list corev1.NodeList
	if err := r.api.List(context.Background(), &list); err != nil {
		t.Fatal(err)
	}
	return pointers(list.Items)
}

// softTaints are some that write to the rig at the time of that clock, and what they say.
func (r *softRig) softTaints(count int, now *time.Time) (*SoftTaints, *strings.Builder) {
	var log strings.Builder
	cfg := SoftTaintConfig{MaxCount: count, MaxTime: time.Minute, Now: func() time.Time { return *now }}
	return NewSoftTaints(cfg, r.api, slog.New(slog.NewTextHandler(&log, nil))), &log
}

func (r *softRig) marked(t *testing.T) string {
	t.Helper()
	var out []string
	for _, n := range r.nodes(t) {
		if slices.ContainsFunc(n.Spec.Taints, isSoft) {
			out = append(out, n.Name)
		}
		if n.Spec.Taints[0].Key != "other" {
			t.Errorf("node %s lost another taint: %v", n.Name, n.Spec.Taints)
		}
	}
	return strings.Join(out, " ")
}

// What is needed again loses the mark first; the rest follows in the plan's order as far as the bounds go.
func TestSoftTaints(t *testing.T) {
	now := time.Unix(1_767_225_600, 0)
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "nodes"}, "c")
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "nodes"}, "c", errors.New("changed"))
	for _, c := range []struct {
		name     string
		count    int
		unneeded string
		going    string
		refuse   error // for node c
		updates  int
		writes   string
		marked   string
		fails    string
	}{
		{"as wanted", 10, "d b", "", nil, 2, "", "b d", ""},
		{"both ways", 10, "e b c", "", nil, 1, "d e c", "b c e", ""},
		{"bounded", 2, "e b c", "", nil, 1, "d e", "b e", ""},
		{"bounded, and goes on", 2, "e b c", "", nil, 2, "d e c", "b c e", ""},
		{"what goes is left alone", 10, "e", "e d", nil, 1, "b", "d", ""},
		{"what is not there is passed over", 10, "x b d", "", nil, 1, "", "b d", ""},
		{"off: leftovers are cleaned, whatever is unneeded", 0, "e b", "", nil, 1, "b d", "", ""},
		{"refused", 10, "b d c e", "", errors.New("no"), 1, "c e", "b d e", `"writes failed"=1 "last node"=c error=no`},
		{"refused, and left alone", 10, "b d c e", "", errors.New("no"), 3, "c e", "b d e", `"writes failed"=1 "last node"=c error=no`},
		{"refused, and the next has its turn", 1, "b d c e", "", errors.New("no"), 2, "c e", "b d e", `"writes failed"=1 "last node"=c error=no`},
		{"gone meanwhile", 10, "b d c e", "", gone, 1, "c e", "b d e", ""},
		{"changed meanwhile", 10, "b d c e", "", conflict, 1, "c e", "b d e", ""},
	} {
		r := newSoftRig(t)
		r.refuse["c"] = c.refuse
		s, log := r.softTaints(c.count, &now)
		going := map[string]bool{}
		for _, name := range strings.Fields(c.going) {
			going[name] = true
		}
		for range c.updates {
			s.Want(r.nodes(t), strings.Fields(c.unneeded), going)
			s.Finish(t.Context())
		}
		if got := log.String(); (got != "") != (c.fails != "") || !strings.Contains(got, c.fails) {
			t.Errorf("%s: said %q, want %q", c.name, got, c.fails)
		}
		if got := strings.Join(r.writes, " "); got != c.writes {
			t.Errorf("%s: writes %s, want %s", c.name, got, c.writes)
		}
		if got := r.marked(t); got != c.marked {
			t.Errorf("%s: marked %s, want %s", c.name, got, c.marked)
		}
	}
}

// Writing ends with its time, and leaves the rest to the next loop. With none wanted, nodes are cleaned until it is done, once.
func TestSoftTaintsEnd(t *testing.T) {
	r := newSoftRig(t)
	ctx, cancel := context.WithCancel(context.Background())
	r.onWrite = cancel
	s, _ := r.softTaints(0, &time.Time{})
	for range 3 {
		s.Want(r.nodes(t), nil, nil)
		s.Finish(ctx)
		ctx = context.Background()
	}
	r.onWrite = func() {}
	if got := strings.Join(r.writes, " "); got != "b d" || r.marked(t) != "" || !s.cleaned {
		t.Errorf("writes %s, marked %s", got, r.marked(t))
	}
}

// When all writes fail, that is said once a minute with how many it were.
func TestFailingSoftTaintsAreSaidNowAndThen(t *testing.T) {
	r := newSoftRig(t)
	now := time.Unix(1_767_225_600, 0)
	s, log := r.softTaints(10, &now)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		r.refuse[name] = errors.New("no")
	}
	for range 10 {
		s.Want(r.nodes(t), []string{"a", "b", "c", "d", "e"}, nil)
		s.Finish(t.Context())
		now = now.Add(10 * time.Second)
	}
	if got := log.String(); strings.Count(got, "WARN") != 2 || !strings.Contains(got, `"writes failed"=1 "last node"=a`) {
		t.Errorf("said\n%s", got)
	}
}

// The time since when a node could go is read from marks that are neither too old nor of the future.
func TestUnneededSince(t *testing.T) {
	now := time.Unix(1_767_225_600, 0)
	for value, want := range map[string]bool{"1767225600": true, "1767225000": true, "1767224999": false, "1767225601": false, "": false, "x": false} {
		n := testNode()
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: group.CandidateTaint, Value: value})
		got := unneededSince([]*corev1.Node{testNode(), n}, 10*time.Minute, now)
		since, known := got["n1"]
		if known != want || want && fmt.Sprint(since.Unix()) != value {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// Marks are recalled once, and only with a TTL.
func TestRecall(t *testing.T) {
	now := time.Unix(1_767_225_600, 0)
	n := testNode()
	n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: group.CandidateTaint, Value: "1767225000"})
	nodes := []*corev1.Node{n}
	for ttl, want := range map[time.Duration]bool{0: false, time.Hour: true} {
		s := NewSoftTaints(SoftTaintConfig{TTL: ttl, Now: func() time.Time { return now }}, nil, slog.New(slog.DiscardHandler))
		if since, recalled := s.Recall(nodes); recalled != want || recalled && len(since) != 1 {
			t.Errorf("TTL %s: recalled %t, %v", ttl, recalled, since)
		}
		if _, again := s.Recall(nodes); again {
			t.Errorf("TTL %s: recalled again", ttl)
		}
	}
}

// A plan marks the nodes that it finds unneeded, but those whose removal begins or goes on.
func TestMark(t *testing.T) {
	r := newSoftRig(t)
	now := time.Unix(1_767_225_600, 0)
	s, _ := r.softTaints(10, &now)
	deleting := map[string]bool{"a": true}
	s.Mark(&plan.Plan{
		Unneeded:  []plan.Removal{{Node: "a"}, {Node: "b"}, {Node: "c"}, {Node: "e"}},
		ScaleDown: []plan.Removal{{Node: "c"}},
	}, r.nodes(t), deleting)
	s.Finish(t.Context())
	if got := strings.Join(r.writes, " "); got != "d e" || len(deleting) != 1 {
		t.Errorf("writes %s, want those that take the mark off d and put it on e; deleting %v", got, deleting)
	}
}

// A mark that could not be taken off is tried again after a pause, and others are not looked for after that.
func TestLeftoverMarksAreTriedAgain(t *testing.T) {
	r := newSoftRig(t)
	now := time.Unix(1_767_225_600, 0)
	s, _ := r.softTaints(0, &now)
	r.refuse["d"] = errors.New("no")
	for _, later := range []time.Duration{0, 0, softTaintPause, 0} {
		now = now.Add(later)
		s.Want(r.nodes(t), nil, nil)
		s.Finish(t.Context())
		r.refuse["d"] = nil
	}
	if got := strings.Join(r.writes, " "); got != "b d d" || !s.cleaned {
		t.Errorf("writes %s", got)
	}
}
