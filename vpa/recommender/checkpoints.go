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

// dueCheckpoint is one that is to be written.
type dueCheckpoint struct {
	object *vpav1.VerticalPodAutoscalerCheckpoint
	// exists says that there is one already, as far as is known.
	exists bool
	// of is the container's memory, which belongs to the rounds, and changes how many of its changes are in the object.
	of      *container
	changes int
	at      time.Time
}

// wantCheckpoints has those written that would differ and are old enough: a bounded number of them, for which namespaces take
// turns, each with its oldest first; all that differ when it is the last time.
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

// maxCheckpointAge is how old a checkpoint that would differ becomes at most, unless CheckpointInterval is longer.
const maxCheckpointAge = time.Hour

// checkpointAge is how old the container's checkpoint may become: a crash costs a hundredth of its history at most, or
// what comes in one CheckpointInterval.
func (r *Recommender) checkpointAge(c *container, now time.Time) time.Duration {
	interval := r.cfg.CheckpointInterval.Std()
	if c.usage.First.IsZero() {
		return interval
	}
	return max(interval, min(now.Sub(c.usage.First)/100, maxCheckpointAge))
}

// checkpoint is that of a container as it is now.
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

// writeCheckpoint writes one, and tells what came of it.
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

// failed tells of something about checkpoints that failed.
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

// collectCheckpoints has, once an interval, the checkpoints of VPAs removed that are gone.
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

// removeLeftovers removes the checkpoints of VPAs that do not exist. The API server is asked again for each such VPA before
// its history is removed, since a cache may lag behind.
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
