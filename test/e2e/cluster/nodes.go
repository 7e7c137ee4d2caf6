package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

const goingTaint = "ToBeDeletedByClusterAutoscaler"

// NodesOf lists the nodes of a group by name.
func (c *Cluster) NodesOf(ctx context.Context, group string) (map[string]*corev1.Node, error) {
	var list corev1.NodeList
	if err := c.Client.List(ctx, &list, client.MatchingLabels{GroupLabel: group}); err != nil {
		return nil, err
	}
	out := map[string]*corev1.Node{}
	for i := range list.Items {
		out[list.Items[i].Name] = &list.Items[i]
	}
	return out, nil
}

// Has is the condition that a group has so many nodes, none of them tainted.
func (c *Cluster) Has(group string, n int) func(context.Context) error {
	return func(ctx context.Context) error {
		nodes, err := c.NodesOf(ctx, group)
		if err != nil {
			return err
		}
		for name, node := range nodes {
			if Going(node) {
				return fmt.Errorf("node %s is going", name)
			}
		}
		return lab.Want(len(nodes), n)
	}
}

// Going is whether a node carries the taint of one that is being removed.
func Going(n *corev1.Node) bool {
	for _, taint := range n.Spec.Taints {
		if taint.Key == goingTaint {
			return true
		}
	}
	return false
}

// IsGoing is the condition that a node carries the taint of one that is being removed.
func (c *Cluster) IsGoing(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		node := &corev1.Node{}
		if err := c.Client.Get(ctx, client.ObjectKey{Name: name}, node); err != nil {
			return err
		}
		if !Going(node) {
			return errors.New("it is not tainted: " + c.Why(ctx, name))
		}
		return nil
	}
}

// IsGone is the condition that a node, a pod or whatever it is exists no more.
func (c *Cluster) IsGone(o client.Object) func(context.Context) error {
	return func(ctx context.Context) error {
		err := c.Client.Get(ctx, client.ObjectKeyFromObject(o), o)
		if err == nil {
			return fmt.Errorf("it is there: %s", c.Why(ctx, o.GetName()))
		}
		return client.IgnoreNotFound(err)
	}
}

// Node is a node of that name, to be asked for.
func Node(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }

// Stays fails when the condition does not hold for so long.
func Stays(ctx context.Context, t *testing.T, long time.Duration, condition func(context.Context) error) {
	t.Helper()
	tick, end := time.NewTicker(200*time.Millisecond), time.NewTimer(long)
	defer tick.Stop()
	defer end.Stop()
	for {
		if err := condition(ctx); err != nil {
			t.Fatal(err)
		}
		select {
		case <-end.C:
			return
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-tick.C:
		}
	}
}
