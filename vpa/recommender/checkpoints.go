package recommender

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

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/internal/wanted"
	"github.com/trimtab/trimtab/vpa/recommend"
)

// dueCheckpoint is a checkpoint to write.
type dueCheckpoint struct {
	object *vpav1.VerticalPodAutoscalerCheckpoint
	// exists says that the object exists, as far as is known.
	exists bool
	// of is the container's memory, which only the rounds use. changes is how many of its changes the object has.
	of      *container
	changes int
	at      time.Time
}

// wantCheckpoints requests a write of the checkpoints that differ and are old enough. Their number is bounded:
// namespaces take turns, each with its oldest first. If last is true, it requests all that differ.
func (r *Recommender) wantCheckpoints(last bool) {
	now := r.now()
	type candidate struct {
		vpa  types.NamespacedName
		name string // of the container
		of   *container
	}
	key := func(c candidate) string { return c.vpa.Namespace + "/" + c.vpa.Name + "-" + c.name }
	var all []candidate
	for vpa, s := range r.states {
		for name, c := range s.containers {
			one := candidate{vpa, name, c}
			if c.checkpoint.changed() && (last || now.Sub(c.checkpoint.written) >= r.checkpointAge(c, now) && !r.writers.checkpoints.Rests(key(one), "")) {
				all = append(all, one)
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(a.of.checkpoint.written.Compare(b.of.checkpoint.written), strings.Compare(key(a), key(b)))
	})
	all = inTurns(all, func(c candidate) string { return c.vpa.Namespace })
	if !last && len(all) > r.cfg.CheckpointsPerRound {
		all = all[:r.cfg.CheckpointsPerRound]
	}
	writes := make([]wanted.Write[*dueCheckpoint], len(all))
	for i, c := range all {
		writes[i] = wanted.Write[*dueCheckpoint]{Key: key(c), Value: r.checkpoint(c.vpa, c.name, c.of, now)}
	}
	r.writers.checkpoints.Want(r.cfg.CheckpointsTimeout.Std(), writes)
}

// maxCheckpointAge is the maximum age of a checkpoint that differs, unless CheckpointInterval is longer.
const maxCheckpointAge = time.Hour

// checkpointAge is the maximum age of the container's checkpoint: a hundredth of its history, or one
// CheckpointInterval. A crash loses no more.
func (r *Recommender) checkpointAge(c *container, now time.Time) time.Duration {
	interval := r.cfg.CheckpointInterval.Std()
	if c.usage.First.IsZero() {
		return interval
	}
	return max(interval, min(now.Sub(c.usage.First)/100, maxCheckpointAge))
}

// checkpoint is the current checkpoint of a container.
func (r *Recommender) checkpoint(vpa types.NamespacedName, name string, of *container, now time.Time) *dueCheckpoint {
	status, windows := r.aggregation.Save(of.usage, of.instances, now)
	annotations := maps.Clone(of.checkpoint.annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[recommend.WindowsAnnotation] = windows
	return &dueCheckpoint{
		object: &vpav1.VerticalPodAutoscalerCheckpoint{
			ObjectMeta: metav1.ObjectMeta{Namespace: vpa.Namespace, Name: vpa.Name + "-" + name, Annotations: annotations},
			Spec:       vpav1.VerticalPodAutoscalerCheckpointSpec{VPAObjectName: vpa.Name, ContainerName: name},
			Status:     status,
		},
		exists: of.checkpoint.exists, of: of, changes: of.checkpoint.changes, at: now,
	}
}

// writeCheckpoint writes a checkpoint and reports the result.
func (r *Recommender) writeCheckpoint(ctx context.Context, d *dueCheckpoint) error {
	err := r.storeCheckpoint(ctx, d)
	switch {
	case err == nil:
		r.metrics.checkpoints.WithLabelValues("written").Inc()
		r.note(wrote{checkpoint: d.of, changes: d.changes, at: d.at})
	case !isEnd(ctx):
		r.failed("checkpoint", d.object.Namespace+"/"+d.object.Name, err)
	}
	return err
}

// failed reports a failure with a checkpoint.
func (r *Recommender) failed(kind, name string, err error) {
	r.metrics.checkpoints.WithLabelValues("failed").Inc()
	r.journal.Record("vpa", verdict.Because(verdict.On(kind, name), recommend.CheckpointFailed, verdict.Text("error", err.Error())))
}

// storeCheckpoint patches the stored checkpoint, or creates it.
func (r *Recommender) storeCheckpoint(ctx context.Context, d *dueCheckpoint) error {
	if !d.exists {
		err := r.kube.Client.Create(ctx, d.object.DeepCopy())
		if !apierrors.IsAlreadyExists(err) {
			return wrap("create", err)
		}
	}
	err := r.patchCheckpoint(ctx, d.object)
	if apierrors.IsNotFound(err) {
		err = r.kube.Client.Create(ctx, d.object)
	}
	return wrap("patch", err)
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// patchCheckpoint replaces status and annotations as a whole: a merge would keep buckets that are now empty.
// Checkpoints have no status subresource.
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

// collectCheckpoints requests, once an interval, the removal of checkpoints whose VPA was deleted.
func (r *Recommender) collectCheckpoints(s snapshot) {
	now := r.now()
	if r.collected.IsZero() {
		r.collected = now // not in the first round
	}
	if s.kindMissing || now.Sub(r.collected) < r.cfg.CheckpointsGCInterval.Std() {
		return
	}
	r.collected = now
	r.writers.leftovers.Want(r.cfg.CheckpointsTimeout.Std(), []wanted.Write[map[types.NamespacedName]bool]{{Key: "checkpoints", Value: s.exists}})
}

// removeLeftovers removes the checkpoints of VPAs that do not exist. Before it removes a history it asks the API server
// for the VPA again, since a cache may be old.
func (r *Recommender) removeLeftovers(ctx context.Context, exists map[types.NamespacedName]bool) error {
	var orphans []vpav1.VerticalPodAutoscalerCheckpoint
	err := r.eachCheckpoint(ctx, r.cfg.VPAObjectNamespace, func(c *vpav1.VerticalPodAutoscalerCheckpoint) {
		owner := types.NamespacedName{Namespace: c.Namespace, Name: c.Spec.VPAObjectName}
		if !exists[owner] && !slices.Contains(r.cfg.IgnoredVPAObjectNamespaces, c.Namespace) {
			orphans = append(orphans, vpav1.VerticalPodAutoscalerCheckpoint{ObjectMeta: *c.ObjectMeta.DeepCopy(), Spec: c.Spec})
		}
	})
	if err != nil && !isEnd(ctx) {
		r.failed("checkpoints", "", err)
	}
	for i := range orphans {
		if err != nil || ctx.Err() != nil {
			break
		}
		r.removeOrphan(ctx, &orphans[i])
	}
	return err
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
	switch {
	case client.IgnoreNotFound(err) == nil:
		r.metrics.checkpoints.WithLabelValues("removed").Inc()
	case !isEnd(ctx):
		r.failed("checkpoint", c.Namespace+"/"+c.Name, err)
	}
}
