package kubeschedtest

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
)

// Cluster is a small cluster, and pods that run or want to run there.
type Cluster struct {
	kubesched.Objects
	Nodes []*corev1.Node
	// Pods are those without a node, and those with one, which their volumes and claims are bound to.
	Pods []*corev1.Pod
}

const namespace = "shop"

// builder draws one.
type builder struct {
	*rand.Rand
	Cluster
	// private are the claims that no pod uses yet.
	private []string
}

// Random draws a cluster.
func Random(r *rand.Rand) Cluster {
	b := &builder{Rand: r}
	for i := range 2 + r.IntN(5) {
		b.node(i)
	}
	b.classes()
	b.volumes()
	b.devices()
	for i := range 1 + r.IntN(5) {
		b.set(fmt.Sprintf("set%d", i))
	}
	for i := range r.IntN(6) {
		b.single(fmt.Sprintf("single%d", i))
	}
	b.attachments()
	b.plugin()
	return b.Cluster
}

func (b *builder) one(in int) bool { return b.IntN(in) == 0 }

func pick[T any](b *builder, from ...T) T { return from[b.IntN(len(from))] }

// named is the metadata of an object in a first version.
func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(namespace + "-" + name), ResourceVersion: "1"}
}

func (b *builder) zone() string { return pick(b, "a", "b", "c") }

func (b *builder) node(i int) {
	n := &corev1.Node{ObjectMeta: named("", fmt.Sprintf("n%d", i))}
	n.Labels = map[string]string{corev1.LabelHostname: n.Name}
	if !b.one(6) {
		n.Labels[corev1.LabelTopologyZone] = b.zone()
	}
	if b.one(4) {
		n.Labels[corev1.LabelTopologyRegion] = "r"
	}
	if b.one(3) {
		n.Labels["rack"] = pick(b, "1", "2")
	}
	n.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewQuantity(int64(1+b.IntN(8)), resource.DecimalSI),
		corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	b.Nodes = append(b.Nodes, n)
}

// pod is one without volumes; a node that is not empty is where it runs.
func (b *builder) pod(name, node string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: named(namespace, name)}
	p.Spec.NodeName = node
	p.Spec.Containers = []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("500m"),
	}}}}
	b.Pods = append(b.Pods, p)
	return p
}

func mount(p *corev1.Pod, source corev1.VolumeSource) {
	p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: fmt.Sprint("v", len(p.Spec.Volumes)), VolumeSource: source})
}

func claimSource(name string) corev1.VolumeSource {
	return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}
}

// set makes like pods, each with claims of its own and perhaps some that all share.
func (b *builder) set(name string) {
	class := pick(b, "waits", "waits", "waits-in", "local", "local", "now", "nowhere")
	size := pick(b, "1Gi", "5Gi", "20Gi")
	shared, devices := b.one(5), b.one(3)
	common := pick(b, "common", "common-waits", "common-one", "missing")
	inline, template := b.one(6), b.deviceSpec()
	extended, count := b.one(4), 1+b.IntN(2)
	of := pick(b, extendedAny, extendedAny, extendedLarge)
	for i := range 1 + b.IntN(4) {
		p := b.pod(fmt.Sprintf("%s-%d", name, i), "")
		if !b.one(8) {
			b.claim(p.Name, class, size)
			mount(p, claimSource(p.Name))
		}
		if shared {
			mount(p, claimSource(common))
		}
		if inline {
			mount(p, corev1.VolumeSource{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: name, ReadOnly: b.one(2)}})
		}
		if devices {
			b.deviceClaim(p, template)
		}
		if extended {
			ask(p, of, count)
		}
	}
}

// single makes a pod that is like no other, with whatever there may be. It may run.
func (b *builder) single(name string) {
	node := ""
	if b.one(2) {
		node = pick(b, b.Nodes...).Name
	}
	p := b.pod(name, node)
	if node != "" {
		b.runs(p)
		return
	}
	for range 1 + b.IntN(2) {
		switch b.IntN(10) {
		case 0:
			mount(p, claimSource(pick(b, "common", "common-waits", "common-one", "missing")))
		case 1:
			mount(p, corev1.VolumeSource{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: pick(b, "vol-1", "vol-2")}})
		case 2:
			mount(p, corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{IQN: pick(b, "iqn-1", "iqn-2"), ReadOnly: b.one(2)}})
		case 3:
			mount(p, corev1.VolumeSource{RBD: &corev1.RBDVolumeSource{CephMonitors: []string{"m"}, RBDPool: "p", RBDImage: pick(b, "i", "j")}})
		case 4:
			b.ephemeral(p)
		case 9:
			ask(p, pick(b, extendedAny, extendedLarge), 1)
		case 5:
			b.deviceClaim(p, b.deviceSpec())
		case 6:
			p.Spec.ResourceClaims = append(p.Spec.ResourceClaims, corev1.PodResourceClaim{Name: fmt.Sprint("d", len(p.Spec.ResourceClaims)), ResourceClaimName: new(pick(b, "shared-device", "taken-device", "no-device"))})
		default:
			if len(b.private) > 0 {
				mount(p, claimSource(b.private[0]))
				b.private = b.private[1:]
			}
		}
	}
}

// runs gives a pod that runs bound volumes, and devices of its node.
func (b *builder) runs(p *corev1.Pod) {
	if !b.one(4) {
		c := b.claim(p.Name, "waits", "1Gi")
		b.bind(c, "pv-"+p.Name)
		mount(p, claimSource(c.Name))
	}
	if b.one(3) {
		mount(p, claimSource(pick(b, "common", "common-one")))
	}
	if b.one(3) {
		b.given(p)
	}
	if b.one(3) {
		mount(p, corev1.VolumeSource{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: pick(b, "vol-1", "vol-2")}})
	}
}
