package recommender

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/recommend"
)

// pageSize is how many checkpoints are asked for in one request.
const pageSize = 500

// checkpointState is the known state of a container's stored checkpoint.
type checkpointState struct {
	exists bool
	// annotations are all annotations of the stored object when it was read; a write replaces ours in them.
	annotations map[string]string
	// written is the time of the last write.
	written time.Time
	// changes counts the changes of the content. saved is how many of them are written.
	changes, saved int
}

// changed is true if the checkpoint would differ now.
func (c *checkpointState) changed() bool { return c.changes != c.saved }

// remember updates the memory from the snapshot. New VPAs get the content of their checkpoints; deleted VPAs and pods
// are forgotten. It fails when checkpoints cannot be read, since a start without them would overwrite them.
func (r *Recommender) remember(ctx context.Context, s *snapshot) error {
	now := r.now()
	fresh := map[types.NamespacedName]*state{}
	ours := map[types.NamespacedName]bool{}
	for _, o := range s.ours {
		ours[o.key] = true
		if r.states[o.key] == nil {
			fresh[o.key] = newState(now)
		}
	}
	if err := r.load(ctx, fresh, now); err != nil {
		return err
	}
	maps.Copy(r.states, fresh)
	for key := range r.states {
		// A skipped VPA still exists.
		if !ours[key] && (len(s.skipped) == 0 || !s.exists[key]) {
			delete(r.states, key)
		}
	}
	for _, o := range s.ours {
		if o.unsupported != "" {
			continue
		}
		st, target := r.states[o.key], o.object.Spec.TargetRef.Kind+"/"+o.object.Spec.TargetRef.Name
		if st.target != "" && st.target != target {
			st.containers = map[string]*container{}
		}
		st.target = target
		st.forget(r.aggregation, o.pods, now)
	}
	return nil
}

// load reads the checkpoints of the given VPAs. The first time it lists the whole cluster, later each namespace with a
// new VPA.
func (r *Recommender) load(ctx context.Context, fresh map[types.NamespacedName]*state, now time.Time) error {
	if len(fresh) == 0 {
		r.loaded = true
		return nil
	}
	namespaces := []string{r.cfg.VPAObjectNamespace}
	if r.loaded {
		unique := map[string]bool{}
		for key := range fresh {
			unique[key.Namespace] = true
		}
		namespaces = slices.Sorted(maps.Keys(unique))
	}
	for _, namespace := range namespaces {
		err := r.eachCheckpoint(ctx, namespace, func(c *vpav1.VerticalPodAutoscalerCheckpoint) {
			if s := fresh[types.NamespacedName{Namespace: c.Namespace, Name: c.Spec.VPAObjectName}]; s != nil {
				r.restore(s, c, now)
			}
		})
		if err != nil {
			return err
		}
	}
	r.loaded = true
	return nil
}

// restore puts a checkpoint into the memory of its VPA, or says why it cannot.
func (r *Recommender) restore(s *state, c *vpav1.VerticalPodAutoscalerCheckpoint, now time.Time) {
	u, instances, err := r.aggregation.Load(c.Status, c.Annotations[recommend.WindowsAnnotation], now)
	if err != nil {
		r.journal.Record("vpa", verdict.Because(verdict.On("checkpoint", c.Namespace+"/"+c.Name), recommend.CheckpointRefused, verdict.Text("error", err.Error())))
		return
	}
	restored := &container{
		usage: u, instances: instances,
		checkpoint: checkpointState{exists: true, annotations: c.Annotations, written: c.Status.LastUpdateTime.Time},
	}
	s.containers[c.Spec.ContainerName] = restored
}

// eachCheckpoint calls f for each stored checkpoint of a namespace, or of all when it is empty.
func (r *Recommender) eachCheckpoint(ctx context.Context, namespace string, f func(*vpav1.VerticalPodAutoscalerCheckpoint)) error {
	token := ""
	for {
		var list vpav1.VerticalPodAutoscalerCheckpointList
		err := r.kube.Live.List(ctx, &list, client.InNamespace(namespace), client.Limit(pageSize), client.Continue(token))
		if err != nil {
			return fmt.Errorf("list VerticalPodAutoscalerCheckpoints: %w", err)
		}
		for i := range list.Items {
			f(&list.Items[i])
		}
		if token = list.Continue; token == "" {
			return nil
		}
	}
}
