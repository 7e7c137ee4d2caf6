package kube

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// annotationDelayDeletion begins the annotations by which other programs ask for time to clean up before a node goes.
const annotationDelayDeletion = "delay-deletion.cluster-autoscaler.kubernetes.io/"

// delaying lists the annotations of the node that ask to wait.
func delaying(n *corev1.Node) []string {
	var out []string
	for key := range n.Annotations {
		if strings.HasPrefix(key, annotationDelayDeletion) {
			out = append(out, key)
		}
	}
	return out
}

// awaitOthers waits until no annotation of the node asks for time, at most for DeletionDelay: then the node goes all the
// same, as it does with cluster-autoscaler. A process that takes the drain over waits anew.
func (d *Drainer) awaitOthers(ctx context.Context, name string) error {
	if d.cfg.DeletionDelay <= 0 {
		return nil
	}
	for end := d.deps.Now().Add(d.cfg.DeletionDelay); d.deps.Now().Before(end); {
		node := &corev1.Node{}
		if err := d.deps.Live.Get(ctx, client.ObjectKey{Name: name}, node); err != nil {
			return client.IgnoreNotFound(err) // what is gone already waits for nobody
		}
		if len(delaying(node)) == 0 {
			return nil
		}
		if err := wait(ctx, d.cfg.Poll); err != nil {
			return err
		}
	}
	d.deps.Log.Warn("a node goes though annotations still ask to wait", "node", name, "waited", d.cfg.DeletionDelay)
	return nil
}
