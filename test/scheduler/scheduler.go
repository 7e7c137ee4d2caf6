package scheduler

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	schedulercache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"
)

// Scheduler judges pods as kube-scheduler does. It is not safe for concurrent use.
type Scheduler struct {
	framework framework.Framework
	now       *present
	devices   *dynamicresources.DefaultDRAManager
	// placed has what the plugins noted about each pod, by its name.
	placed map[string]fwk.CycleState
}

// present is the snapshot that the plugins see, which they hold on to.
type present struct{ *schedulercache.Snapshot }

// New makes the default profile's plugins. namespaces has the labels of each namespace, and objects are what the plugins
// know beside nodes and pods. The plugins run until ctx ends.
func New(ctx context.Context, namespaces map[string]map[string]string, objects ...runtime.Object) (*Scheduler, error) {
	metrics.Register()
	objects = slices.Clone(objects)
	for name, labels := range namespaces {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
	}
	client := fake.NewClientset(objects...)
	shared := informers.NewSharedInformerFactory(client, 0)
	defaults, err := latest.Default()
	if err != nil {
		return nil, fmt.Errorf("default configuration of kube-scheduler: %w", err)
	}
	slicesOfNodes, err := tracker.StartTracker(ctx, tracker.Options{SliceInformer: shared.Resource().V1().ResourceSlices(), KubeClient: client})
	if err != nil {
		return nil, fmt.Errorf("resource slices: %w", err)
	}
	claims := assumecache.NewAssumeCache(klog.Background(), shared.Resource().V1().ResourceClaims().Informer(), "ResourceClaim", "", nil)
	now := &present{schedulercache.NewEmptySnapshot()}
	devices := dynamicresources.NewDRAManager(ctx, claims, slicesOfNodes, shared)
	provided, ok := devices.DeviceClassResolver().(cache.ResourceEventHandler) // kube-scheduler registers it so too
	if !ok {
		return nil, fmt.Errorf("extended resources of device classes: %T hears of no classes", devices.DeviceClassResolver())
	}
	if _, err := shared.Resource().V1().DeviceClasses().Informer().AddEventHandler(provided); err != nil {
		return nil, fmt.Errorf("device classes: %w", err)
	}
	f, err := frameworkruntime.NewFramework(ctx, plugins.NewInTreeRegistry(), &defaults.Profiles[0],
		frameworkruntime.WithClientSet(client), frameworkruntime.WithInformerFactory(shared),
		frameworkruntime.WithSharedDRAManager(devices),
		frameworkruntime.WithSharedCSIManager(nodevolumelimits.NewCSIManager(shared.Storage().V1().CSINodes().Lister())),
		frameworkruntime.WithSnapshotSharedLister(now), frameworkruntime.WithParallelism(1))
	if err != nil {
		return nil, fmt.Errorf("plugins of kube-scheduler: %w", err)
	}
	shared.Start(ctx.Done())
	shared.WaitForCacheSync(ctx.Done())
	// What stands behind the informers has seen all a little later.
	if err := wait.PollUntilContextTimeout(ctx, time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return slicesOfNodes.HasSynced() && seesAll(devices, objects), nil
	}); err != nil {
		return nil, fmt.Errorf("device claims: %w", err)
	}
	return &Scheduler{framework: f, now: now, devices: devices, placed: map[string]fwk.CycleState{}}, nil
}

// See makes these the nodes and the pods that run on them. What was returned for others before is not valid any more.
func (s *Scheduler) See(nodes []*corev1.Node, pods []*corev1.Pod) {
	s.now.Snapshot = schedulercache.NewSnapshot(pods, nodes)
}

// Fits says for each node, by name, which plugin keeps the pod off it, and in which words; nodes where it fits are
// not in the answer. The pod is not changed.
func (s *Scheduler) Fits(ctx context.Context, pod *corev1.Pod) (map[string]Refusal, error) {
	state := framework.NewCycleState()
	nodes, err := s.now.NodeInfos().List()
	if err != nil {
		return nil, err
	}
	out := map[string]Refusal{}
	allowed, status, _ := s.framework.RunPreFilterPlugins(ctx, state, pod)
	for _, n := range nodes {
		name := n.Node().Name
		switch {
		case !status.IsSuccess():
			out[name] = Refusal{Plugin: status.Plugin(), Message: status.Message(), Anywhere: true}
		case !allowed.AllNodes() && !allowed.NodeNames.Has(name):
			out[name] = Refusal{Plugin: "PreFilter", Message: "not among the nodes that can be"}
		default:
			status := s.framework.RunFilterPlugins(ctx, state, pod, n)
			if !status.IsSuccess() {
				out[name] = Refusal{Plugin: status.Plugin(), Message: status.Message()}
			}
		}
	}
	return out, nil
}

// Refusal is why a pod does not fit on a node. Anywhere says that none would do.
type Refusal struct {
	Plugin, Message string
	Anywhere        bool
}

// seesAll is whether the manager has the device claims among the objects, and their devices, and what classes provide.
func seesAll(m *dynamicresources.DefaultDRAManager, objects []runtime.Object) bool {
	claims, devices := 0, map[string]bool{}
	for _, o := range objects {
		if class, is := o.(*resourcev1.DeviceClass); is && m.DeviceClassResolver().GetDeviceClass(corev1.ResourceName(resourcev1.ResourceDeviceClassPrefix+class.Name)) == nil {
			return false
		}
		c, is := o.(*resourcev1.ResourceClaim)
		if !is {
			continue
		}
		claims++
		if c.Status.Allocation != nil {
			for _, d := range c.Status.Allocation.Devices.Results {
				devices[d.Driver+"/"+d.Pool+"/"+d.Device] = true
			}
		}
	}
	seen, err := m.ResourceClaims().List()
	if err != nil || len(seen) != claims {
		return false
	}
	taken, err := m.ResourceClaims().ListAllAllocatedDevices()
	return err == nil && len(taken) == len(devices)
}
