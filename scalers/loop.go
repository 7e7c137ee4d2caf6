package scalers

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"sync"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/replicas"
)

// loop is one term of leadership. Its memory begins empty and is taken up from the objects' status.
type loop struct {
	*Scalers
	queue workqueue.TypedDelayingInterface[types.NamespacedName]

	mu sync.Mutex
	// memories are of the objects seen in this term. The queue never hands out one object twice at the
	// same time, so that each memory has one user.
	memories map[types.NamespacedName]*memory
	// first are the objects that were there at the beginning and were not yet decided on.
	first map[types.NamespacedName]bool
}

// memory is what a round leaves to the next of the same object.
type memory struct {
	uid       types.UID
	decisions replicas.Memory
	// statusAt is when the status was last written.
	statusAt time.Time
}

func newLoop(s *Scalers) *loop {
	return &loop{
		Scalers: s, memories: map[types.NamespacedName]*memory{}, first: map[types.NamespacedName]bool{},
		queue: workqueue.NewTypedDelayingQueue[types.NamespacedName](),
	}
}

func (l *loop) run(ctx context.Context) error {
	stop, err := l.watch(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if !l.kube.Cache.WaitForCacheSync(ctx) {
		l.queue.ShutDown()
		return nil
	}
	if err := l.begin(ctx); err != nil {
		l.queue.ShutDown()
		return err
	}
	var workers sync.WaitGroup
	for range l.cfg.MaxReconciles {
		workers.Go(func() { l.work(ctx) })
	}
	<-ctx.Done()
	l.queue.ShutDown()
	workers.Wait()
	return nil
}

// begin puts every object in the queue, and makes Ready wait for them.
func (l *loop) begin(ctx context.Context) error {
	var list keda.ScaledObjectList
	if err := l.kube.Client.List(ctx, &list); err != nil {
		return fmt.Errorf("list ScaledObjects: %w", err)
	}
	l.mu.Lock()
	for i := range list.Items {
		l.first[client.ObjectKeyFromObject(&list.Items[i])] = true
	}
	keys := maps.Clone(l.first)
	l.mu.Unlock()
	l.decided(types.NamespacedName{})
	for key := range keys {
		l.queue.Add(key)
	}
	return nil
}

// decided notes that a first decision was made.
func (l *loop) decided(key types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.first, key)
	switch {
	case l.waitsFor.Load() == nil:
	case len(l.first) == 0:
		l.waitsFor.Store(nil)
	default:
		l.waits(fmt.Sprintf("the first decision on %d ScaledObjects", len(l.first)))
	}
}

func (l *loop) work(ctx context.Context) {
	for {
		key, closed := l.queue.Get()
		if closed {
			return
		}
		began := l.now()
		again := l.round(ctx, key)
		l.metrics.round.Observe(l.now().Sub(began).Seconds())
		l.decided(key)
		l.queue.Done(key)
		if again > 0 {
			l.queue.AddAfter(key, again)
		}
	}
}

// untilNext is the time until the next poll. The polls of an object keep a phase of their own, so that
// objects that appear together do not ask their sources together.
func untilNext(now time.Time, interval time.Duration, uid types.UID) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(uid)) // never fails
	phase := time.Duration(h.Sum64() % uint64(interval))
	since := time.Duration(now.UnixNano()-int64(phase)) % interval
	return interval - since
}

// watch queues an object when it changes, and when an HPA of it does.
func (l *loop) watch(ctx context.Context) (stop func(), err error) {
	watched := *l.objects.Load()
	objects, err := watched.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { l.changed(nil, obj) },
		UpdateFunc: func(old, obj any) {
			l.changed(old, obj)
		},
		DeleteFunc: func(obj any) {
			if so, ok := deleted[*keda.ScaledObject](obj); ok {
				l.queue.Add(client.ObjectKeyFromObject(so))
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watch ScaledObjects: %w", err)
	}
	informer, err := l.kube.Cache.GetInformer(ctx, &autoscalingv2.HorizontalPodAutoscaler{})
	if err != nil {
		return nil, fmt.Errorf("watch HorizontalPodAutoscalers: %w", err)
	}
	hpas, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { l.hpaChanged(nil, obj) },
		UpdateFunc: func(old, obj any) { l.hpaChanged(old, obj) },
		DeleteFunc: func(obj any) {
			if h, ok := deleted[*autoscalingv2.HorizontalPodAutoscaler](obj); ok {
				l.queueOwner(h)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watch HorizontalPodAutoscalers: %w", err)
	}
	return func() {
		// The informers end with the process; an error says that they have.
		_ = watched.RemoveEventHandler(objects)
		_ = informer.RemoveEventHandler(hpas)
	}, nil
}

// changed queues an object unless only its status, which is written here, is another.
func (l *loop) changed(old, obj any) {
	so, ok := obj.(*keda.ScaledObject)
	if !ok {
		return
	}
	if was, ok := old.(*keda.ScaledObject); ok && was.UID == so.UID && was.Generation == so.Generation &&
		maps.Equal(was.Annotations, so.Annotations) && maps.Equal(was.Labels, so.Labels) &&
		was.DeletionTimestamp.Equal(so.DeletionTimestamp) {
		return
	}
	l.queue.Add(client.ObjectKeyFromObject(so))
}

// hpaChanged queues the owner of an HPA that is new, which may be one too many, that was edited, or that
// began or ceased to scale.
func (l *loop) hpaChanged(old, obj any) {
	h, ok := obj.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return
	}
	if was, ok := old.(*autoscalingv2.HorizontalPodAutoscaler); ok && equality.Semantic.DeepEqual(was.Spec, h.Spec) &&
		maps.Equal(was.Labels, h.Labels) && maps.Equal(was.Annotations, h.Annotations) && scaling(was) == scaling(h) {
		return
	}
	l.queueOwner(h)
}

func (l *loop) queueOwner(h *autoscalingv2.HorizontalPodAutoscaler) {
	if owner := metav1.GetControllerOf(h); owner != nil && owner.Kind == "ScaledObject" {
		l.queue.Add(types.NamespacedName{Namespace: h.Namespace, Name: owner.Name})
	}
}

// scaling is the HPA's condition ScalingActive, as one word.
func scaling(h *autoscalingv2.HorizontalPodAutoscaler) string {
	for _, c := range h.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive {
			return string(c.Status) + " " + c.Reason
		}
	}
	return ""
}
