package clusterscaler

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/status"
	"github.com/trimtab/trimtab/internal/wanted"
)

// Where cluster-autoscaler has its status, beside the name of the ConfigMap, and the key and annotation in it.
const (
	statusKey         = "status"
	statusAnnotation  = "cluster-autoscaler.kubernetes.io/last-updated"
	statusFieldOwner  = "trimtab"
	statusTimeout     = 10 * time.Second
	statusMinInterval = 10 * time.Second
	// statusMaxInterval is the time between two writes that differ in nothing but times.
	statusMaxInterval = time.Minute
	statusMaxPause    = 5 * time.Minute
)

// statusMap has the status written beside the loop: when it says something new, at most once in statusMinInterval, else once
// in statusMaxInterval, so that who reads its times sees that the loop goes on.
type statusMap struct {
	// book, handed, news and events belong to the loop: handed is when a text was handed over last, news says that something
	// is new since then.
	book   status.Book
	handed time.Time
	news   bool
	events statusEvents
	writer *wanted.Writer[statusText]

	mu sync.Mutex
	// uid is that of the ConfigMap, as soon as it is known; tried says that it was to be written once.
	uid   types.UID
	tried bool
	// trouble is what was said last of a write that failed.
	trouble string
	// untold are the Events that wait for the first write.
	untold []statusEvent
}

// statusText is what is to be written.
type statusText struct {
	text string
	at   time.Time
}

// newStatusWriter makes the one of the ConfigMap. What fails is tried again after statusMinInterval, up to statusMaxPause.
func (c *ClusterScaler) newStatusWriter() *wanted.Writer[statusText] {
	return wanted.New(wanted.Config{
		Workers: 1, Timeout: statusTimeout, MinPause: statusMinInterval, MaxPause: statusMaxPause, Now: func() time.Time { return c.deps.Now() },
	}, func(ctx context.Context, w wanted.Write[statusText]) error {
		err := c.applyStatus(ctx, w.Value)
		if !errors.Is(ctx.Err(), context.Canceled) { // it is not the end
			c.statusTried(err)
		}
		return err
	})
}

// writeStatus has written what the plan says of the cluster and its groups. It does not wait for that.
func (c *ClusterScaler) writeStatus(p *plan.Plan) {
	now := c.deps.Now()
	text, news, err := c.status.book.Text(p, now)
	c.status.news = c.status.news || news
	wait := statusMaxInterval
	if c.status.news || c.status.inTrouble() {
		wait = statusMinInterval
	}
	if !c.cfg.WriteStatusConfigmap || now.Sub(c.status.handed) < wait {
		return
	}
	c.status.handed, c.status.news = now, false
	if err != nil {
		c.statusTried(err)
		return
	}
	c.status.writer.Want(statusTimeout, []wanted.Write[statusText]{{Key: c.cfg.StatusConfigMapName, Value: statusText{text, now}}})
}

// inTrouble is whether the last write failed.
func (s *statusMap) inTrouble() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble != ""
}

// statusTried takes what came of a write. That it failed is said once, and stops nothing.
func (c *ClusterScaler) statusTried(err error) {
	c.status.mu.Lock()
	defer c.status.mu.Unlock()
	trouble := ""
	if err != nil {
		trouble = err.Error()
		if trouble != c.status.trouble {
			c.deps.Log.Error("the status cannot be written", "configmap", c.cfg.Namespace+"/"+c.cfg.StatusConfigMapName, "error", err)
		}
	}
	c.status.trouble, c.status.tried = trouble, true
	c.tellUntold()
}

// applyStatus writes the ConfigMap.
func (c *ClusterScaler) applyStatus(ctx context.Context, t statusText) error {
	m := applycorev1.ConfigMap(c.cfg.StatusConfigMapName, c.cfg.Namespace).
		WithAnnotations(map[string]string{statusAnnotation: t.at.UTC().Format(status.TimeFormat)}).
		WithData(map[string]string{statusKey: t.text})
	err := c.deps.Kube.Client.Apply(ctx, m, client.ForceOwnership, client.FieldOwner(statusFieldOwner))
	if err == nil && m.UID != nil {
		c.status.mu.Lock()
		c.status.uid = *m.UID
		c.status.mu.Unlock()
	}
	return err
}

// tellStatus writes the Events of the loop on the status ConfigMap, if there is one.
func (c *ClusterScaler) tellStatus(p *plan.Plan) {
	said := c.status.events.take(p)
	if !c.cfg.WriteStatusConfigmap {
		return
	}
	c.status.mu.Lock()
	defer c.status.mu.Unlock()
	c.status.untold = append(c.status.untold, said...)
	if c.status.tried {
		c.tellUntold()
	}
}

// tellUntold hands the Events to the recorder, which does not wait. The lock of the status is held.
func (c *ClusterScaler) tellUntold() {
	tell(c.deps.Kube.Events, c.status.untold, c.cfg.Namespace, c.cfg.StatusConfigMapName, c.status.uid)
	c.status.untold = nil
}
