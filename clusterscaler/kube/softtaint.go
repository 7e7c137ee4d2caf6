package kube

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/wanted"
)

// SoftTaints keeps a mark on the nodes that could go, so that the scheduler prefers others, and takes it off again when
// they are needed. It writes beside the loop that wants it. Make it with NewSoftTaints.
type SoftTaints struct {
	cfg    SoftTaintConfig
	client client.Writer
	log    *slog.Logger
	writer *wanted.Writer[*corev1.Node]
	// cleaned says that nodes have no marks any more, with a MaxCount of 0.
	cleaned bool
	// recalled says that Recall was called.
	recalled bool
	// said is when the worker warned last, and failed how many writes failed since.
	said   time.Time
	failed int
}

// SoftTaintConfig bounds the writes.
type SoftTaintConfig struct {
	// MaxCount is how many are written for one Want; with 0 no node is marked, and the marks of others are taken off once.
	MaxCount int
	// MaxTime is how long what one Want asks for is written. The rest is left to the next one.
	MaxTime time.Duration
	// TTL is the age up to which a mark tells since when its node could go; 0 for none.
	TTL time.Duration
	Now func() time.Time
}

// After a write has failed its node is left alone for softTaintPause, which doubles up to maxSoftTaintPause. Failures are
// warned of once in softTaintWarning.
const (
	softTaintPause    = 10 * time.Second
	maxSoftTaintPause = 5 * time.Minute
	softTaintWarning  = time.Minute
)

// NewSoftTaints makes SoftTaints that write nothing before Run.
func NewSoftTaints(cfg SoftTaintConfig, w client.Writer, log *slog.Logger) *SoftTaints {
	s := &SoftTaints{cfg: cfg, client: w, log: log}
	s.writer = wanted.New(wanted.Config{
		Workers: 1, Timeout: cfg.MaxTime, MinPause: softTaintPause, MaxPause: maxSoftTaintPause, Now: cfg.Now,
	}, func(ctx context.Context, one wanted.Write[*corev1.Node]) error { return s.write(ctx, one.Value) })
	return s
}

// Run writes what is wanted until ctx ends.
func (s *SoftTaints) Run(ctx context.Context) error { return s.writer.Run(ctx) }

// Finish writes what is wanted, and returns.
func (s *SoftTaints) Finish(ctx context.Context) { s.writer.Finish(ctx) }

// isSoft is whether the taint is the mark.
func isSoft(t corev1.Taint) bool { return t.Key == group.CandidateTaint }

// Mark has the nodes marked that the plan finds unneeded. Nodes that are deleting, or whose removal begins, are left alone. It
// does not wait for a write.
func (s *SoftTaints) Mark(p *plan.Plan, nodes []*corev1.Node, deleting map[string]bool) {
	going := maps.Clone(deleting)
	for i := range p.ScaleDown {
		going[p.ScaleDown[i].Node] = true
	}
	unneeded := make([]string, len(p.Unneeded))
	for i := range p.Unneeded {
		unneeded[i] = p.Unneeded[i].Node
	}
	s.Want(nodes, unneeded, going)
}

// Want has the wrong nodes written: first the nodes that are needed again, then the unneeded ones in their order. Nodes that
// are going are left alone. So are, for a while, nodes whose write has failed. It does not wait, and must not be called by two
// at the same time.
func (s *SoftTaints) Want(nodes []*corev1.Node, unneeded []string, going map[string]bool) {
	if s.cleaned {
		return
	}
	most, clean := s.cfg.MaxCount, s.cfg.MaxCount == 0
	if clean {
		most, unneeded = len(nodes), nil
	}
	wrong := s.wrong(nodes, unneeded, going)
	s.cleaned = clean && len(wrong) == 0
	writes := make([]wanted.Write[*corev1.Node], 0, min(most, len(wrong)))
	for _, n := range wrong {
		// What the write depends on beside the API server is what it does.
		one := wanted.Write[*corev1.Node]{Key: n.Name, Version: "mark", Value: n}
		if marked(n) {
			one.Version = "unmark"
		}
		if len(writes) == most {
			break
		}
		if !s.writer.Rests(one.Key, one.Version) {
			writes = append(writes, one)
		}
	}
	s.writer.Want(s.cfg.MaxTime, writes)
}

// marked is whether the node has the mark.
func marked(n *corev1.Node) bool { return slices.ContainsFunc(n.Spec.Taints, isSoft) }

// wrong lists the nodes that have the mark and should not, and then the nodes that lack it.
func (s *SoftTaints) wrong(nodes []*corev1.Node, unneeded []string, going map[string]bool) []*corev1.Node {
	place := make(map[string]int, len(unneeded))
	for i, name := range unneeded {
		place[name] = i
	}
	var out []*corev1.Node
	lacking := make([]*corev1.Node, len(unneeded))
	for _, n := range nodes {
		at, want := place[n.Name]
		has := marked(n)
		switch {
		case going[n.Name] || want == has:
		case has:
			out = append(out, n)
		default:
			lacking[at] = n
		}
	}
	return append(out, slices.DeleteFunc(lacking, func(n *corev1.Node) bool { return n == nil })...)
}

// write puts the mark on the node, or takes it off where it is. The cache's object is not changed. That another has changed
// the node meanwhile, or deleted it, is no failure.
func (s *SoftTaints) write(ctx context.Context, n *corev1.Node) error {
	// A merge patch replaces the whole list: the lock refuses it when another has changed the node.
	patch := client.MergeFromWithOptions(n, client.MergeFromWithOptimisticLock{})
	next := n.DeepCopy()
	if marked(n) {
		next.Spec.Taints = slices.DeleteFunc(next.Spec.Taints, isSoft)
	} else {
		next.Spec.Taints = append(next.Spec.Taints, corev1.Taint{
			Key: group.CandidateTaint, Value: strconv.FormatInt(s.cfg.Now().Unix(), 10), Effect: corev1.TaintEffectPreferNoSchedule,
		})
	}
	err := s.client.Patch(ctx, next, patch)
	if client.IgnoreNotFound(err) == nil || apierrors.IsConflict(err) {
		return nil
	}
	s.failed++
	if now := s.cfg.Now(); now.Sub(s.said) >= softTaintWarning {
		s.log.Warn("nodes could not be marked as ones that could go, or the mark not be taken off; each is tried again after a pause",
			"writes failed", s.failed, "last node", n.Name, "error", err)
		s.said, s.failed = now, 0
	}
	return err
}

// Recall reads since when nodes could go, from the marks of a process before this one. It does so once, and only with a TTL.
func (s *SoftTaints) Recall(nodes []*corev1.Node) (since map[string]time.Time, recalled bool) {
	if s.recalled || s.cfg.TTL <= 0 {
		return nil, false
	}
	s.recalled = true
	return unneededSince(nodes, s.cfg.TTL, s.cfg.Now()), true
}

// unneededSince reads since when nodes could go from the marks that are younger than ttl. A mark that cannot be read
// counts as none.
func unneededSince(nodes []*corev1.Node, ttl time.Duration, now time.Time) map[string]time.Time {
	out := map[string]time.Time{}
	for _, n := range nodes {
		if since := sinceOf(n, isSoft); !since.IsZero() && now.Sub(since) >= 0 && now.Sub(since) <= ttl {
			out[n.Name] = since
		}
	}
	return out
}
