package kubesched

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// DeviceResources are extended resources that DeviceClasses provide, each with the name of the class: a pod that asks for one
// gets devices of the class, by a claim that kube-scheduler makes when it binds the pod.
type DeviceResources map[corev1.ResourceName]string

// DeviceResources are those of the classes, without the resources that nodes offer by a device plugin: these are counted on the
// nodes only.
func (o *Objects) DeviceResources(offered func(corev1.ResourceName) bool) DeviceResources {
	if len(o.DeviceClasses) == 0 {
		return nil
	}
	known := extendedresourcecache.NewExtendedResourceCache(logr.Discard())
	for _, class := range sorted(o.DeviceClasses) {
		known.OnAdd(class, true)
	}
	out := DeviceResources{}
	for _, class := range o.DeviceClasses {
		names := []corev1.ResourceName{corev1.ResourceName(resourcev1.ResourceDeviceClassPrefix + class.Name)}
		if own := class.Spec.ExtendedResourceName; own != nil {
			names = append(names, corev1.ResourceName(*own))
		}
		for _, name := range names {
			if of := known.GetDeviceClass(name); of != nil && !offered(name) {
				out[name] = of.Name
			}
		}
	}
	return out
}

// Claim is a copy of the pod that has a claim for what it requests of the resources. claim is the claim, unless kube-scheduler has
// made it already. A pod that requests none is returned as it is, and so is one that runs without such a claim: it was given no
// device. The pod itself is not changed.
func (r DeviceResources) Claim(p *corev1.Pod) (claiming *corev1.Pod, claim *resourcev1.ResourceClaim) {
	requests, made := r.requests(p), p.Status.ExtendedResourceClaimStatus
	if len(requests) == 0 || made == nil && p.Spec.NodeName != "" {
		return p, nil
	}
	name := fmt.Sprintf("<extended resources of %s>", p.Name) // not a valid name: no claim in the cluster has it
	if made != nil {
		name = made.ResourceClaimName
	} else {
		claim = &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace, Name: name, UID: types.UID(name + " " + string(p.UID)), ResourceVersion: "1",
		}}
		claim.Spec.Devices.Requests = requests
	}
	out := *p
	out.Spec.ResourceClaims = append(slices.Clip(p.Spec.ResourceClaims), corev1.PodResourceClaim{Name: name, ResourceClaimName: &name})
	return &out, claim
}

// Without is the requests without the resources.
func (r DeviceResources) Without(requests scheduling.Resources) scheduling.Resources {
	requests.Extended = slices.DeleteFunc(slices.Clone(requests.Extended), func(e scheduling.Extended) bool {
		return r[corev1.ResourceName(e.Name)] != ""
	})
	return requests
}

// requests are what kube-scheduler puts into the claim: one request for each container that keeps running, and one for the init
// container that needs most beyond what the containers after it have.
func (r DeviceResources) requests(p *corev1.Pod) []resourcev1.DeviceRequest {
	containers := slices.Concat(p.Spec.InitContainers, p.Spec.Containers)
	var out []resourcev1.DeviceRequest
	for _, name := range slices.Sorted(maps.Keys(r)) {
		ask := func(who string, count int64) {
			if count > 0 {
				out = append(out, resourcev1.DeviceRequest{Name: fmt.Sprintf("%s-%d", who, len(out)), Exactly: &resourcev1.ExactDeviceRequest{
					DeviceClassName: r[name], AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: count,
				}})
			}
		}
		later, beyond := int64(0), int64(0)
		for i, c := range slices.Backward(containers) {
			q := c.Resources.Requests[name]
			need, whole := q.AsInt64()
			switch {
			case !whole:
			case i < len(p.Spec.InitContainers) && (c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways):
				beyond = max(beyond, need-later)
			default:
				later += need
				ask("container", need)
			}
		}
		ask("init-container", beyond)
	}
	return out
}
