package main

import (
	"fmt"
	"time"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/uuid"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// replicas are the pods of each Deployment.
	replicas = 20
	// podsPerNode is how many fit on a node by their requests.
	podsPerNode = 39
	// nodesPerGroup and podsPerNamespace are as large as in clusters of this size.
	nodesPerGroup    = 50
	podsPerNamespace = 1000

	podsMetric, queueMetric = "http_requests_per_second", "queue_messages"
	// perReplica is the target of each metric, and what each replica has of it.
	perReplica = 10
)

func (o options) deployments() int { return (o.pods + replicas - 1) / replicas }
func (o options) groups() int      { return (o.nodes + nodesPerGroup - 1) / nodesPerGroup }
func (o options) namespaces() int  { return (o.pods + podsPerNamespace - 1) / podsPerNamespace }

func groupName(n int) string { return fmt.Sprintf("pool-%02d", n) }

func nodeName(n int) string { return fmt.Sprintf("%s-%04d", groupName(n/nodesPerGroup), n) }

func deploymentName(d int) string { return fmt.Sprintf("service-%04d", d) }

func (o options) namespaceOf(d int) string { return fmt.Sprintf("team-%02d", d%o.namespaces()) }

func podName(pod int) string {
	return fmt.Sprintf("%s-5d8f9b7c6d-%05d", deploymentName(pod/replicas), pod)
}

func queueName(d int) string { return "queue-" + deploymentName(d) }

// Of the Deployments the first have a VPA, the next a ScaledObject, the next an HPA.
func (o options) hasVPA(d int) bool { return d < o.objects }
func (o options) hasScaledObject(d int) bool {
	return d >= o.objects && d < 2*o.objects
}
func (o options) hasHPA(d int) bool { return d >= 2*o.objects && d < 3*o.objects }

func node(n int) *corev1.Node {
	name := nodeName(n)
	capacity := corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("16Gi"), "pods": resource.MustParse("110"), "ephemeral-storage": resource.MustParse("100Gi")}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
			Labels: map[string]string{
				"trimtab.dev/node-group": groupName(n / nodesPerGroup), corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprint("zone-", n%3),
				corev1.LabelTopologyRegion: "region-1", corev1.LabelInstanceTypeStable: "general-4", corev1.LabelArchStable: "amd64", corev1.LabelOSStable: "linux",
			},
		},
		Spec:   corev1.NodeSpec{ProviderID: "kwok://" + name},
		Status: corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
}

func labels(d int) map[string]string {
	return map[string]string{
		"app": deploymentName(d), "app.kubernetes.io/name": deploymentName(d), "app.kubernetes.io/part-of": "shop",
		"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "service-1.4.2", "pod-template-hash": "5d8f9b7c6d",
	}
}

// template is a pod as charts make them: probes, variables, files, and a sidecar in each third.
func template(d int) corev1.PodTemplateSpec {
	port := intstr.FromInt32(8080)
	probe := func(path string) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: port}}, PeriodSeconds: 10}
	}
	main := corev1.Container{
		Name: "app", Image: fmt.Sprintf("registry.example.com/shop/%s:1.4.2", deploymentName(d)), Args: []string{"serve", "--config=/etc/app/config.yaml"},
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "metrics", ContainerPort: 9090}},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("256Mi")},
			Limits:   corev1.ResourceList{"memory": resource.MustParse("512Mi")},
		},
		LivenessProbe: probe("/healthz"), ReadinessProbe: probe("/readyz"),
		VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/app"}, {Name: "tmp", MountPath: "/tmp"}},
	}
	for i := range 8 {
		main.Env = append(main.Env, corev1.EnvVar{Name: fmt.Sprintf("APP_SETTING_%d", i), Value: fmt.Sprintf("value-of-%s-%d", deploymentName(d), i)})
	}
	out := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels(d), Annotations: map[string]string{
			"checksum/config": "3b2c1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e1d0c9b8a7f6e5d4c3b2a", "prometheus.io/scrape": "true", "prometheus.io/port": "9090",
		}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{main},
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: deploymentName(d)}}}},
				{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}},
			},
		},
	}
	if d%3 == 0 {
		sidecar := corev1.Container{Name: "proxy", Image: "registry.example.com/mesh/proxy:2.1.0", Ports: []corev1.ContainerPort{{ContainerPort: 15090}}}
		out.Spec.Containers = append(out.Spec.Containers, sidecar)
	}
	if d%5 == 0 {
		out.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 5, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": deploymentName(d)}},
		}}
	}
	return out
}

func (o options) meta(d int, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: o.namespaceOf(d), Name: name, Labels: labels(d)}
}

func (o options) deployment(d int) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: o.meta(d, deploymentName(d)),
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(replicas)), Template: template(d), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": deploymentName(d)}},
		},
	}
}

func (o options) replicaSet(d int, of types.UID) *appsv1.ReplicaSet {
	out := &appsv1.ReplicaSet{
		ObjectMeta: o.meta(d, deploymentName(d)+"-5d8f9b7c6d"),
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32(replicas)), Template: template(d), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": deploymentName(d), "pod-template-hash": "5d8f9b7c6d"}},
		},
	}
	out.OwnerReferences = owner("Deployment", deploymentName(d), of)
	return out
}

func owner(kind, name string, uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: uid, Controller: new(true), BlockOwnerDeletion: new(true)}}
}

// pod is bound to a node; those of one Deployment are spread over many.
func (o options) pod(n int, of *appsv1.ReplicaSet) *corev1.Pod {
	t := template(n / replicas)
	out := &corev1.Pod{ObjectMeta: t.ObjectMeta, Spec: t.Spec}
	out.Namespace, out.Name, out.GenerateName = of.Namespace, podName(n), of.Name+"-"
	out.OwnerReferences = owner("ReplicaSet", of.Name, of.UID)
	out.Spec.NodeName = nodeName(n % o.nodes)
	return out
}

// another is the n-th pod, which is like that one on another node.
func (o options) another(like *corev1.Pod, n int) *corev1.Pod {
	out := like.DeepCopy()
	out.Name, out.UID, out.ResourceVersion = podName(n), uuid.NewUUID(), ""
	out.Spec.NodeName = nodeName(n % o.nodes)
	ip := fmt.Sprintf("10.%d.%d.%d", 64+n>>16, n>>8&0xff, n&0xff)
	out.Status.PodIP, out.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	return out
}

func (o options) vpa(d int) *vpav1.VerticalPodAutoscaler {
	return &vpav1.VerticalPodAutoscaler{
		ObjectMeta: o.meta(d, deploymentName(d)),
		Spec: vpav1.VerticalPodAutoscalerSpec{
			TargetRef:    &autoscalingv1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: deploymentName(d)},
			UpdatePolicy: &vpav1.PodUpdatePolicy{UpdateMode: new(vpav1.UpdateModeOff)},
		},
	}
}

// checkpoints have a week behind them, so that recommendations are as steady as they are after one.
func (o options) checkpoints(d int, now time.Time) []client.Object {
	const cpuBucket, memoryBucket = 6, 14 // of the usage that feed tells
	histogram := func(bucket int, weight float64) vpav1.HistogramCheckpoint {
		return vpav1.HistogramCheckpoint{
			ReferenceTimestamp: metav1.NewTime(now.Truncate(24 * time.Hour)), BucketWeights: map[int]uint32{bucket: 10_000}, TotalWeight: weight,
		}
	}
	var out []client.Object
	for _, c := range template(d).Spec.Containers {
		out = append(out, &vpav1.VerticalPodAutoscalerCheckpoint{
			ObjectMeta: metav1.ObjectMeta{Namespace: o.namespaceOf(d), Name: deploymentName(d) + "-" + c.Name},
			Spec:       vpav1.VerticalPodAutoscalerCheckpointSpec{VPAObjectName: deploymentName(d), ContainerName: c.Name},
			Status: vpav1.VerticalPodAutoscalerCheckpointStatus{
				LastUpdateTime: metav1.NewTime(now.Add(-time.Minute)), Version: "v3",
				CPUHistogram: histogram(cpuBucket, 4000*replicas), MemoryHistogram: histogram(memoryBucket, 2*replicas),
				FirstSampleStart: metav1.NewTime(now.Add(-7 * 24 * time.Hour)), LastSampleStart: metav1.NewTime(now.Add(-time.Minute)),
				TotalSamplesCount: 7 * 24 * 60 * replicas,
			},
		})
	}
	return out
}

func (o options) scaledObject(d int, prometheus string) *kedav1alpha1.ScaledObject {
	return &kedav1alpha1.ScaledObject{
		ObjectMeta: o.meta(d, deploymentName(d)),
		Spec: kedav1alpha1.ScaledObjectSpec{
			ScaleTargetRef:  &kedav1alpha1.ScaleTarget{Name: deploymentName(d)},
			MinReplicaCount: new(int32(1)), MaxReplicaCount: new(int32(2 * replicas)),
			Triggers: []kedav1alpha1.ScaleTriggers{{Type: "prometheus", Metadata: map[string]string{
				"serverAddress": prometheus, "query": fmt.Sprintf("sum(%s{queue=%q})", queueMetric, queueName(d)), "threshold": fmt.Sprint(perReplica),
			}}},
		},
	}
}

// hpa asks for a metric of its pods, or one of the Deployments that are odd for one from outside. With peers all ask for
// their pods': a cluster asks one server for external metrics, and KEDA must be that one.
func (o options) hpa(d int) *autoscalingv2.HorizontalPodAutoscaler {
	value := resource.MustParse(fmt.Sprint(perReplica))
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &value}
	metric := autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: podsMetric}, Target: target,
	}}
	if d%2 == 1 && !o.peers {
		metric = autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: queueMetric, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"queue": queueName(d)}}}, Target: target,
		}}
	}
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: o.meta(d, deploymentName(d)),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: deploymentName(d)},
			MinReplicas:    new(int32(1)), MaxReplicas: 2 * replicas, Metrics: []autoscalingv2.MetricSpec{metric},
		},
	}
}
