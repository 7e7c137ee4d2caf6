package kube

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/group"
)

// Going is whether the node carries the mark of a node that is going.
func Going(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Spec.Taints, isGoing)
}

// isGoing is whether the taint is that mark.
func isGoing(t corev1.Taint) bool { return t.Key == group.GoingTaint }

// goingSince is since when the node carries the mark; zero where it does not or does not say.
func goingSince(n *corev1.Node) time.Time { return sinceOf(n, isGoing) }

// sinceOf is the time that the node's mark of that kind says; zero where there is none or it cannot be read.
func sinceOf(n *corev1.Node, is func(corev1.Taint) bool) time.Time {
	at := slices.IndexFunc(n.Spec.Taints, is)
	if at < 0 {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(n.Spec.Taints[at].Value, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// setTaint puts the mark on a node or takes it off. A node that is as wanted is not written.
func setTaint(ctx context.Context, live client.Reader, w client.Writer, name string, on bool, now time.Time) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		node := &corev1.Node{}
		if err := live.Get(ctx, client.ObjectKey{Name: name}, node); err != nil {
			return err
		}
		if Going(node) == on {
			return nil
		}
		// A merge patch replaces the whole list: the lock refuses it when another has changed the node.
		patch := client.MergeFromWithOptions(node.DeepCopy(), client.MergeFromWithOptimisticLock{})
		if on {
			node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{
				Key: group.GoingTaint, Value: strconv.FormatInt(now.Unix(), 10), Effect: corev1.TaintEffectNoSchedule,
			})
		} else {
			node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, isGoing)
		}
		return w.Patch(ctx, node, patch)
	})
	if err != nil {
		return fmt.Errorf("taint of node %s: %w", name, err)
	}
	return nil
}
