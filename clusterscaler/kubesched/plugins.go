package kubesched

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumerestrictions"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumezone"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// handle is what the plugins need of kube-scheduler when they filter. All else is nil, and would panic.
type handle struct {
	fwk.Handle
	factory factory
	csi     fwk.CSIManager
	devices *deviceManager
	used    *usedClaims
}

func (h *handle) SharedInformerFactory() informers.SharedInformerFactory { return h.factory }
func (h *handle) ClientSet() kubernetes.Interface                        { return nil }
func (h *handle) SharedDRAManager() fwk.SharedDRAManager                 { return h.devices }
func (h *handle) SharedCSIManager() fwk.CSIManager                       { return h.csi }
func (h *handle) SnapshotSharedLister() fwk.SharedLister                 { return h.used }
func (h *handle) ProfileName() string                                    { return corev1.DefaultSchedulerName }

// usedClaims says which volume claims are in use, by pods other than the one that is asked about.
type usedClaims struct {
	fwk.SharedLister
	inUse func(claim string) bool
}

func (u *usedClaims) StorageInfos() fwk.StorageInfoLister { return u }

// IsPVCUsedByPods implements fwk.StorageInfoLister.
func (u *usedClaims) IsPVCUsedByPods(claim string) bool { return u.inUse != nil && u.inUse(claim) }

// filter is implemented by each plugin.
type filter interface {
	fwk.PreFilterPlugin
	fwk.FilterPlugin
}

// plugins are asked in the order of kube-scheduler's default profile.
type plugins struct {
	volumes []filter
	// withPods are those whose answers depend on the pods on the node.
	withPods []filter
	binding  *volumebinding.VolumeBinding
	devices  *dynamicresources.DynamicResources
	ctx      context.Context // the plugins want one: it never ends, and its logger discards
	logger   klog.Logger
}

// bindingArgs are required by VolumeBinding, though it neither binds nor scores here.
func bindingArgs() *config.VolumeBindingArgs {
	return &config.VolumeBindingArgs{BindTimeoutSeconds: 1, Shape: []config.UtilizationShapePoint{{Utilization: 0, Score: 0}, {Utilization: 100, Score: 10}}}
}

func newPlugins(h *handle) (*plugins, error) {
	p := &plugins{logger: logr.Discard()}
	p.ctx = klog.NewContext(context.Background(), p.logger)
	gates := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	restrictions, err1 := volumerestrictions.New(p.ctx, nil, h, gates)
	limits, err2 := nodevolumelimits.NewCSI(p.ctx, nil, h, gates)
	binding, err3 := volumebinding.New(p.ctx, bindingArgs(), h, gates)
	zone, err4 := volumezone.New(p.ctx, nil, h, gates)
	// No time-out: the answer must not depend on the speed of the machine.
	devices, err5 := dynamicresources.New(p.ctx, &config.DynamicResourcesArgs{FilterTimeout: &metav1.Duration{}}, h, gates)
	if err := firstError(err1, err2, err3, err4, err5); err != nil {
		return nil, fmt.Errorf("plugins of kube-scheduler: %w", err)
	}
	for _, plugin := range []fwk.Plugin{restrictions, limits, binding, zone} {
		f, ok := plugin.(filter)
		if !ok {
			return nil, fmt.Errorf("plugins of kube-scheduler: %s does not filter", plugin.Name())
		}
		p.volumes = append(p.volumes, f)
	}
	p.withPods = p.volumes[:2:2]
	var ok bool
	if p.binding, ok = binding.(*volumebinding.VolumeBinding); !ok {
		return nil, fmt.Errorf("plugins of kube-scheduler: VolumeBinding is a %T", binding)
	}
	if p.devices, ok = devices.(*dynamicresources.DynamicResources); !ok {
		return nil, fmt.Errorf("plugins of kube-scheduler: DynamicResources is a %T", devices)
	}
	return p, nil
}

// filter runs PreFilter and Filter of the plugins. The CycleState is what Reserve needs afterwards.
func (p *plugins) filter(pod *corev1.Pod, node fwk.NodeInfo, list []filter) (scheduling.Refusal, fwk.CycleState) {
	state := framework.NewCycleState()
	var kept []filter
	for _, f := range list {
		_, status := f.PreFilter(p.ctx, state, pod, nil)
		switch {
		case status.IsSkip():
		case !status.IsSuccess():
			r := refusal(f, status)
			r.OnEveryNode = true
			return r, state
		default:
			kept = append(kept, f)
		}
	}
	for _, f := range kept {
		if status := f.Filter(p.ctx, state, pod, node); !status.IsSuccess() {
			return refusal(f, status), state
		}
	}
	return scheduling.Refusal{}, state
}

func refusal(f filter, status *fwk.Status) scheduling.Refusal {
	return scheduling.Refusal{Plugin: scheduling.Plugin(f.Name()), Reason: status.Message()}
}
