package kubeschedtest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const driver = "disks.example.com"

func (b *builder) classes() {
	waits, now := storagev1.VolumeBindingWaitForFirstConsumer, storagev1.VolumeBindingImmediate
	zones := corev1.TopologySelectorLabelRequirement{Key: corev1.LabelTopologyZone, Values: []string{b.zone(), b.zone()}}
	for _, c := range []*storagev1.StorageClass{
		{ObjectMeta: named("", "waits"), Provisioner: driver, VolumeBindingMode: &waits},
		{ObjectMeta: named("", "waits-in"), Provisioner: driver, VolumeBindingMode: &waits, AllowedTopologies: []corev1.TopologySelectorTerm{
			{MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{zones}},
		}},
		{ObjectMeta: named("", "local"), Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: &waits},
		{ObjectMeta: named("", "migrated"), Provisioner: "kubernetes.io/aws-ebs", VolumeBindingMode: &waits},
		{ObjectMeta: named("", "now"), Provisioner: driver, VolumeBindingMode: &now},
	} {
		if !b.one(12) {
			b.StorageClasses = append(b.StorageClasses, c)
		}
	}
	if !b.one(3) {
		b.CSIDrivers = append(b.CSIDrivers, &storagev1.CSIDriver{ObjectMeta: named("", driver), Spec: storagev1.CSIDriverSpec{
			StorageCapacity: new(b.one(3)), PreventPodSchedulingIfMissing: new(b.one(3)),
		}})
	}
	for i := range b.IntN(3) {
		b.StorageCapacities = append(b.StorageCapacities, &storagev1.CSIStorageCapacity{
			ObjectMeta: named(namespace, fmt.Sprint("capacity", i)), StorageClassName: "waits",
			NodeTopology: &metav1.LabelSelector{MatchLabels: map[string]string{"rack": pick(b, "1", "2")}}, Capacity: resource.NewQuantity(int64(b.IntN(30))<<30, resource.BinarySI),
		})
	}
	for _, n := range b.Nodes {
		if b.one(4) {
			continue
		}
		c := &storagev1.CSINode{ObjectMeta: named("", n.Name)}
		if b.one(2) {
			c.Annotations = map[string]string{corev1.MigratedPluginsAnnotationKey: "kubernetes.io/aws-ebs,kubernetes.io/gce-pd"}
		}
		for _, name := range []string{driver, "ebs.csi.aws.com", "pd.csi.storage.gke.io"} {
			d := storagev1.CSINodeDriver{Name: name, NodeID: n.Name}
			if b.one(2) {
				d.Allocatable = &storagev1.VolumeNodeResources{Count: new(int32(1 + b.IntN(3)))}
			}
			if !b.one(4) {
				c.Spec.Drivers = append(c.Spec.Drivers, d)
			}
		}
		b.CSINodes = append(b.CSINodes, c)
	}
}

// volumes makes claims that several pods use, claims for one pod, and volumes that are free.
func (b *builder) volumes() {
	b.bind(b.claim("common", "now", "1Gi"), "pv-common")
	b.claim("common-waits", "waits", "1Gi")
	one := b.claim("common-one", "now", "1Gi")
	one.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
	b.bind(one, "pv-common-one")
	for i := range b.IntN(6) { // of distinct sizes, so that no choice is left to chance
		v := b.volume(fmt.Sprint("free", i), pick(b, "local", "local", "waits"))
		v.Spec.Capacity[corev1.ResourceStorage] = *resource.NewQuantity(int64(2+5*i)<<30, resource.BinarySI)
		v.Status.Phase = corev1.VolumeAvailable
	}
	for i := range b.IntN(7) {
		c := b.claim(fmt.Sprint("own", i), pick(b, "waits", "waits-in", "local", "migrated", "now", "nowhere", ""), pick(b, "1Gi", "5Gi", "20Gi"))
		b.private = append(b.private, c.Name)
		switch b.IntN(10) {
		case 0, 1, 2, 3:
			b.bind(c, "pv-"+c.Name)
		case 4: // chosen, not yet bound
			c.Spec.VolumeName = "pv-" + c.Name
		case 5:
			c.Annotations = map[string]string{"volume.kubernetes.io/selected-node": pick(b, b.Nodes...).Name}
		case 6:
			c.Status.Phase, c.Spec.VolumeName = corev1.ClaimLost, "gone"
		case 7:
			c.DeletionTimestamp, c.Finalizers = new(metav1.Now()), []string{"kubernetes.io/pvc-protection"}
		case 8: // a volume waits for it
			v := b.volume("for-"+c.Name, *c.Spec.StorageClassName)
			v.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name}
		}
	}
}

func (b *builder) claim(name, class, size string) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: named(namespace, name)}
	c.Spec.StorageClassName = &class
	c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
	c.Status.Phase = corev1.ClaimPending
	b.Claims = append(b.Claims, c)
	return c
}

// bind gives the claim a volume, which may be missing.
func (b *builder) bind(c *corev1.PersistentVolumeClaim, volume string) {
	c.Spec.VolumeName, c.Status.Phase = volume, corev1.ClaimBound
	c.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
	if b.one(10) {
		return
	}
	v := b.volume(volume, *c.Spec.StorageClassName)
	v.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name, UID: c.UID}
	v.Status.Phase = corev1.VolumeBound
}

func (b *builder) volume(name, class string) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{ObjectMeta: named("", name)}
	v.Spec.StorageClassName = class
	v.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteOncePod}
	v.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("20Gi")}
	v.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: name}
	if b.one(6) {
		v.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: name}}
	}
	if b.one(4) {
		v.Labels = map[string]string{pick(b, corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaZone): pick(b, "a", "b", "a__b")}
	}
	key, value := corev1.LabelTopologyZone, b.zone()
	switch b.IntN(6) {
	case 0:
		key, value = corev1.LabelHostname, pick(b, b.Nodes...).Name
	case 1:
		key, value = "rack", "1"
	case 2:
		key = ""
	}
	if key != "" {
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value, pick(b, value, "b")}}},
		}}}}
	}
	b.Volumes = append(b.Volumes, v)
	return v
}

// ephemeral gives the pod a volume that is made for it, whose claim may not be there yet or be somebody else's.
func (b *builder) ephemeral(p *corev1.Pod) {
	mount(p, corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{}}})
	if b.one(4) {
		return
	}
	c := b.claim(p.Name+"-"+p.Spec.Volumes[len(p.Spec.Volumes)-1].Name, pick(b, "waits", "waits-in"), "1Gi")
	if b.one(4) {
		return
	}
	c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID, Controller: new(true)}}
}

// attachments makes volumes be attached: those of pods that run, and others that no pod of the node uses.
func (b *builder) attachments() {
	attach := func(node, volume string) {
		a := &storagev1.VolumeAttachment{ObjectMeta: named("", "attached-"+node+"-"+volume)}
		a.Spec = storagev1.VolumeAttachmentSpec{Attacher: driver, NodeName: node, Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: &volume}}
		b.VolumeAttachments = append(b.VolumeAttachments, a)
	}
	for _, p := range b.Pods {
		if p.Spec.NodeName != "" {
			attach(p.Spec.NodeName, "pv-"+p.Name)
		}
	}
	if b.one(2) {
		attach(pick(b, b.Nodes...).Name, "left")
		b.volume("left", "waits").Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: namespace, Name: "gone"}
	}
}
