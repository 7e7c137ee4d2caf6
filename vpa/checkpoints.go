package vpa

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"golang.org/x/sync/errgroup"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/recommend"
)

// dueCheckpoint is one that is to be written.
type dueCheckpoint struct {
	vpa  types.NamespacedName
	name string // of the container
	of   *container
	err  error
}

// object is the checkpoint's own name.
func (d *dueCheckpoint) object() types.NamespacedName {
	return types.NamespacedName{Namespace: d.vpa.Namespace, Name: d.vpa.Name + "-" + d.name}
}

// writeCheckpoints writes those that would differ and are old enough, the oldest first and a bounded
// number of them; all that differ when it is the last time.
func (r *Recommender) writeCheckpoints(parent context.Context, last bool) {
	ctx, cancel := context.WithTimeout(parent, r.cfg.CheckpointsTimeout.Std())
	defer cancel()
	now := r.now()
	due := r.dueCheckpoints(now, last)
	var group errgroup.Group
	group.SetLimit(r.cfg.UpdateWorkerCount)
	for i := range due {
		group.Go(func() error {
			due[i].err = r.writeCheckpoint(ctx, &due[i], now)
			return nil
		})
	}
	_ = group.Wait() // the errors are in due
	for i := range due {
		d := &due[i]
		if d.err != nil && !last && parent.Err() != nil {
			continue // we are being stopped; the last write is still to come
		}
		if d.err != nil {
			r.metrics.checkpoints.WithLabelValues("failed").Inc()
			r.journal.Record("vpa", verdict.Because(verdict.On("checkpoint", d.object().String()), recommend.CheckpointFailed, verdict.Text("error", d.err.Error())))
			continue
		}
		r.metrics.checkpoints.WithLabelValues("written").Inc()
		d.of.checkpoint.exists, d.of.checkpoint.changed, d.of.checkpoint.written = true, false, now
	}
}

func (r *Recommender) dueCheckpoints(now time.Time, last bool) []dueCheckpoint {
	var due []dueCheckpoint
	for key, s := range r.states {
		for name, c := range s.containers {
			if c.checkpoint.changed && (last || now.Sub(c.checkpoint.written) >= r.cfg.CheckpointInterval.Std()) {
				due = append(due, dueCheckpoint{vpa: key, name: name, of: c})
			}
		}
	}
	slices.SortFunc(due, func(a, b dueCheckpoint) int {
		return cmp.Or(a.of.checkpoint.written.Compare(b.of.checkpoint.written), strings.Compare(a.object().String(), b.object().String()))
	})
	if !last && len(due) > r.cfg.CheckpointsPerRound {
		due = due[:r.cfg.CheckpointsPerRound]
	}
	return due
}

// writeCheckpoint patches the stored checkpoint, or creates it.
func (r *Recommender) writeCheckpoint(ctx context.Context, d *dueCheckpoint, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	status, windows := r.aggregation.Save(d.of.usage, d.of.instances, now)
	annotations := maps.Clone(d.of.checkpoint.annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[recommend.WindowsAnnotation] = windows
	object := &vpav1.VerticalPodAutoscalerCheckpoint{
		ObjectMeta: metav1.ObjectMeta{Namespace: d.object().Namespace, Name: d.object().Name, Annotations: annotations},
		Spec:       vpav1.VerticalPodAutoscalerCheckpointSpec{VPAObjectName: d.vpa.Name, ContainerName: d.name},
		Status:     status,
	}
	if !d.of.checkpoint.exists {
		err := r.kube.Client.Create(ctx, object.DeepCopy())
		if !apierrors.IsAlreadyExists(err) {
			return wrap("create", err)
		}
	}
	err := r.patchCheckpoint(ctx, object)
	if apierrors.IsNotFound(err) {
		err = r.kube.Client.Create(ctx, object)
	}
	return wrap("patch", err)
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// patchCheckpoint replaces status and annotations as a whole: a merge would leave buckets that are empty
// now. Checkpoints have no status subresource.
func (r *Recommender) patchCheckpoint(ctx context.Context, object *vpav1.VerticalPodAutoscalerCheckpoint) error {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	patch, err := json.Marshal([]operation{
		{"add", "/metadata/annotations", object.Annotations},
		{"add", "/spec", object.Spec},
		{"add", "/status", object.Status},
	})
	if err != nil {
		return err
	}
	target := &vpav1.VerticalPodAutoscalerCheckpoint{ObjectMeta: metav1.ObjectMeta{Namespace: object.Namespace, Name: object.Name}}
	return r.kube.Client.Patch(ctx, target, client.RawPatch(types.JSONPatchType, patch))
}

// collectCheckpoints removes, once an interval, the checkpoints of VPAs that are gone. The API server is
// asked again for each such VPA before its history is removed, since a cache may lag behind.
func (r *Recommender) collectCheckpoints(ctx context.Context, s snapshot) {
	now := r.now()
	if r.collected.IsZero() {
		r.collected = now // not in the first round
	}
	if s.kindMissing || ctx.Err() != nil || now.Sub(r.collected) < r.cfg.CheckpointsGCInterval.Std() {
		return
	}
	r.collected = now
	collecting, cancel := context.WithTimeout(ctx, r.cfg.CheckpointsTimeout.Std())
	defer cancel()
	var orphans []vpav1.VerticalPodAutoscalerCheckpoint
	err := r.eachCheckpoint(collecting, r.cfg.VPAObjectNamespace, func(c *vpav1.VerticalPodAutoscalerCheckpoint) {
		owner := types.NamespacedName{Namespace: c.Namespace, Name: c.Spec.VPAObjectName}
		if !s.exists[owner] && !slices.Contains(r.cfg.IgnoredVPAObjectNamespaces, c.Namespace) {
			orphans = append(orphans, vpav1.VerticalPodAutoscalerCheckpoint{ObjectMeta: *c.ObjectMeta.DeepCopy(), Spec: c.Spec})
		}
	})
	if err != nil && ctx.Err() == nil {
		r.journal.Record("vpa", verdict.Because(verdict.On("checkpoints", ""), recommend.CheckpointFailed, verdict.Text("error", err.Error())))
	}
	if err != nil {
		return
	}
	for i := range orphans {
		if ctx.Err() != nil {
			return
		}
		r.removeOrphan(collecting, &orphans[i])
	}
}

func (r *Recommender) removeOrphan(ctx context.Context, c *vpav1.VerticalPodAutoscalerCheckpoint) {
	var owner vpav1.VerticalPodAutoscaler
	err := r.kube.Live.Get(ctx, types.NamespacedName{Namespace: c.Namespace, Name: c.Spec.VPAObjectName}, &owner)
	if err == nil {
		return
	}
	if apierrors.IsNotFound(err) {
		err = r.kube.Client.Delete(ctx, c, client.Preconditions{UID: &c.UID})
	}
	if client.IgnoreNotFound(err) != nil {
		r.metrics.checkpoints.WithLabelValues("failed").Inc()
		r.journal.Record("vpa", verdict.Because(verdict.On("checkpoint", c.Namespace+"/"+c.Name), recommend.CheckpointFailed, verdict.Text("error", err.Error())))
		return
	}
	r.metrics.checkpoints.WithLabelValues("removed").Inc()
}
