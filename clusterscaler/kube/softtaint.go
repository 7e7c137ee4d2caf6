package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// SoftTaints keeps a mark on the nodes that could go, so that the scheduler prefers others, and takes it off again when
// they are needed. It is not safe for concurrent use.
type SoftTaints struct {
	Client client.Writer
	// MaxCount bounds the writes of one Update; with 0 no node is marked, and the marks of others are taken off once.
	MaxCount int
	// MaxTime bounds how long one Update takes.
	MaxTime time.Duration
	// cleaned says that nodes have no marks any more, with a MaxCount of 0.
	cleaned bool
}

// isSoft is whether the taint is the mark.
func isSoft(t corev1.Taint) bool { return t.Key == softTaintKey }

// Update writes the nodes that are not as they should be: first those that are needed again, then the unneeded ones in their
// order. Those that are going are left alone. What does not come to be written is written by a later Update. The error tells
// of all writes that failed, but of nodes that have changed meanwhile or are gone.
func (s *SoftTaints) Update(ctx context.Context, nodes []*corev1.Node, unneeded []string, going map[string]bool, now time.Time) error {
	if s.cleaned {
		return nil
	}
	count, clean := s.MaxCount, s.MaxCount == 0
	if clean {
		count, unneeded = len(nodes), nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.MaxTime)
	defer cancel()
	var failed []error
	for _, n := range s.wrong(nodes, unneeded, going) {
		if count == 0 || ctx.Err() != nil {
			return errors.Join(failed...)
		}
		count--
		if err := s.write(ctx, n, now); err != nil {
			failed = append(failed, err)
		}
	}
	s.cleaned = clean && len(failed) == 0
	return errors.Join(failed...)
}

// wrong lists the nodes that have the mark and should not, and then those that should have it.
func (s *SoftTaints) wrong(nodes []*corev1.Node, unneeded []string, going map[string]bool) []*corev1.Node {
	wanted := make(map[string]int, len(unneeded))
	for i, name := range unneeded {
		wanted[name] = i
	}
	var out []*corev1.Node
	lacking := make([]*corev1.Node, len(unneeded))
	for _, n := range nodes {
		at, want := wanted[n.Name]
		has := slices.ContainsFunc(n.Spec.Taints, isSoft)
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

// write puts the mark on the node, or takes it off where it is. The cache's object is not changed.
func (s *SoftTaints) write(ctx context.Context, n *corev1.Node, now time.Time) error {
	// A merge patch replaces the whole list: the lock refuses it when another has changed the node.
	patch := client.MergeFromWithOptions(n, client.MergeFromWithOptimisticLock{})
	next := n.DeepCopy()
	if slices.ContainsFunc(n.Spec.Taints, isSoft) {
		next.Spec.Taints = slices.DeleteFunc(next.Spec.Taints, isSoft)
	} else {
		next.Spec.Taints = append(next.Spec.Taints, corev1.Taint{
			Key: softTaintKey, Value: strconv.FormatInt(now.Unix(), 10), Effect: corev1.TaintEffectPreferNoSchedule,
		})
	}
	if err := s.Client.Patch(ctx, next, patch); client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("soft taint of node %s: %w", n.Name, err)
	}
	return nil
}

// UnneededSince reads from the marks since when nodes could go, of those younger than ttl. A mark that cannot be read
// tells nothing.
func UnneededSince(nodes []*corev1.Node, ttl time.Duration, now time.Time) map[string]time.Time {
	out := map[string]time.Time{}
	for _, n := range nodes {
		if since := sinceOf(n, isSoft); !since.IsZero() && now.Sub(since) >= 0 && now.Sub(since) <= ttl {
			out[n.Name] = since
		}
	}
	return out
}
