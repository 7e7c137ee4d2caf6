package scheduler_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/trimtab/trimtab/clusterscaler/kubesched/kubeschedtest"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/test/scheduler"
)

// answer is what both say of a pod on a node.
type answer struct {
	node string
	got  scheduling.Misfit
	want scheduler.Refusal
}

// replay does the steps of the case, in a cluster as new, and returns the answers to each question, in the order asked.
func replay(ctx context.Context, c *scheduler.Case) ([][]answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	own := clusterOf(c)
	s, err := scheduler.New(ctx, c.Namespaces, objectsOf(own)...)
	if err != nil {
		return nil, err
	}
	sc, err := newVolumeScene(own, c.Namespaces)
	if err != nil {
		return nil, err
	}
	r := &replayed{c, s, sc, nil}
	var out [][]answer
	for i := range c.Steps {
		step := &c.Steps[i]
		answers, err := r.step(ctx, step)
		if err != nil {
			return nil, fmt.Errorf("steps[%d]: %s %s: %w", i, step.Verb, step.Pod, err)
		}
		if step.Verb == scheduler.Ask {
			out = append(out, answers)
		}
	}
	return out, r.allTaken()
}

// replayed is how far a replay has come.
type replayed struct {
	*scheduler.Case
	scheduler *scheduler.Scheduler
	scene     *volumeScene
	// left are the moves that have just taken pods off nodes.
	left []move
}

func (r *replayed) step(ctx context.Context, s *scheduler.Step) ([]answer, error) {
	p, sc := r.Pod(s.Pod), r.scene
	pod := r.Pods[p]
	if s.Verb == scheduler.Take {
		if sc.sharesOpen(p) {
			return nil, fmt.Errorf("another pod has a claim of it that has no volume: kube-scheduler would forget for both where it is made")
		}
		r.left = append(r.left, move{s.Verb, p, sc.on[p]})
		node := r.Nodes[sc.on[p]].Name
		sc.take(p)
		return nil, r.scheduler.Take(ctx, pod, node, sc.uses)
	}
	if err := r.allTaken(); err != nil {
		return nil, err
	}
	r.scheduler.See(r.Nodes, running(r.Pods, r.Nodes, sc.on))
	if s.Verb == scheduler.Place {
		if err := r.scheduler.Place(ctx, pod, s.On); err != nil {
			return nil, fmt.Errorf("it does not fit on %s: %w", s.On, err)
		}
		sc.place(p, r.Node(s.On))
		return nil, nil
	}
	want, err := r.scheduler.Fits(ctx, pod)
	if err != nil {
		return nil, err
	}
	var out []answer
	for _, node := range r.Asked(s) {
		out = append(out, answer{node, sc.cluster.Fits(sc.classes[p], scheduling.NodeID(r.Node(node))), want[node]})
	}
	return out, nil
}

// allTaken is whether none of the pods was left where one like it, with claims, was taken.
func (r *replayed) allTaken() error {
	for _, m := range r.left {
		if like := r.scene.like(m.pod, m.node); len(like) > 0 && scheduling.NeedsFilterPlugins(r.Pods[m.pod]) {
			return fmt.Errorf("pod %s is like %s, which has just been taken off the same node: take it next, for which of them has which free volume is not told apart",
				r.Pods[like[0]].Name, r.Pods[m.pod].Name)
		}
	}
	r.left = nil
	return nil
}

// clusterOf is the case's cluster, in objects of its own.
func clusterOf(c *scheduler.Case) *kubeschedtest.Cluster {
	out := &kubeschedtest.Cluster{Nodes: c.Nodes, Pods: c.Pods}
	for _, o := range c.Objects {
		switch o := o.DeepCopyObject().(type) {
		case *corev1.PersistentVolumeClaim:
			out.Claims = append(out.Claims, o)
		case *corev1.PersistentVolume:
			out.Volumes = append(out.Volumes, o)
		case *storagev1.StorageClass:
			out.StorageClasses = append(out.StorageClasses, o)
		case *storagev1.CSINode:
			out.CSINodes = append(out.CSINodes, o)
		case *storagev1.CSIDriver:
			out.CSIDrivers = append(out.CSIDrivers, o)
		case *storagev1.CSIStorageCapacity:
			out.StorageCapacities = append(out.StorageCapacities, o)
		case *storagev1.VolumeAttachment:
			out.VolumeAttachments = append(out.VolumeAttachments, o)
		case *resourcev1.ResourceClaim:
			out.DeviceClaims = append(out.DeviceClaims, o)
		case *resourcev1.ResourceSlice:
			out.ResourceSlices = append(out.ResourceSlices, o)
		case *resourcev1.DeviceClass:
			out.DeviceClasses = append(out.DeviceClasses, o)
		}
	}
	return out
}

func objectsOf(c *kubeschedtest.Cluster) []runtime.Object {
	var out []runtime.Object
	out = appendAll(out, c.Claims)
	out = appendAll(out, c.Volumes)
	out = appendAll(out, c.StorageClasses)
	out = appendAll(out, c.CSINodes)
	out = appendAll(out, c.CSIDrivers)
	out = appendAll(out, c.StorageCapacities)
	out = appendAll(out, c.VolumeAttachments)
	out = appendAll(out, c.DeviceClaims)
	out = appendAll(out, c.ResourceSlices)
	return appendAll(out, c.DeviceClasses)
}

func appendAll[T runtime.Object](out []runtime.Object, objects []T) []runtime.Object {
	for _, o := range objects {
		out = append(out, o.DeepCopyObject())
	}
	return out
}
