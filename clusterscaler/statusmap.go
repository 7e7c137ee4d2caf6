package clusterscaler

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/status"
)

// Where cluster-autoscaler has its status, beside the name of the ConfigMap, and the key and annotation in it.
const (
	statusKey         = "status"
	statusAnnotation  = "cluster-autoscaler.kubernetes.io/last-updated"
	statusFieldOwner  = "trimtab"
	statusTimeout     = 10 * time.Second
	statusMinInterval = 10 * time.Second
)

// statusMap writes the status, at most once in statusMinInterval.
type statusMap struct {
	book    status.Book
	written time.Time
	// uid is that of the ConfigMap, as soon as it is known.
	uid    types.UID
	events statusEvents
	// trouble is what was said last of a write that failed.
	trouble string
}

// writeStatus tells what the plan says of the cluster and its groups. That it cannot is said once, and stops nothing.
func (c *ClusterScaler) writeStatus(ctx context.Context, p *plan.Plan) {
	now := c.deps.Now()
	text, err := c.status.book.Text(p, now)
	if !c.cfg.WriteStatusConfigmap || now.Sub(c.status.written) < statusMinInterval {
		return
	}
	if err == nil {
		err = c.applyStatus(ctx, text, now)
	}
	trouble := ""
	if err != nil {
		trouble = err.Error()
		if trouble != c.status.trouble && ctx.Err() == nil {
			c.deps.Log.Error("the status cannot be written", "configmap", c.cfg.Namespace+"/"+c.cfg.StatusConfigMapName, "error", err)
		}
	}
	c.status.trouble, c.status.written = trouble, now
}

// applyStatus writes the ConfigMap.
func (c *ClusterScaler) applyStatus(ctx context.Context, text string, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	m := applycorev1.ConfigMap(c.cfg.StatusConfigMapName, c.cfg.Namespace).
		WithAnnotations(map[string]string{statusAnnotation: now.UTC().Format(status.TimeFormat)}).
		WithData(map[string]string{statusKey: text})
	err := c.deps.Kube.Client.Apply(ctx, m, client.ForceOwnership, client.FieldOwner(statusFieldOwner))
	if err == nil && m.UID != nil {
		c.status.uid = *m.UID
	}
	return err
}

// tellStatus writes the Events of the loop on the status ConfigMap, if there is one.
func (c *ClusterScaler) tellStatus(p *plan.Plan) {
	c.status.events.state(p)
	if !c.cfg.WriteStatusConfigmap {
		c.status.events.waiting = nil
		return
	}
	c.status.events.tell(c.deps.Kube.Events, c.cfg.Namespace, c.cfg.StatusConfigMapName, c.status.uid)
}
