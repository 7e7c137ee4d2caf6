package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

const (
	namespace = "bench"
	customAPI = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + namespace
	// externalAPI is of a namespace too, though the series of the queues know none.
	externalAPI = "/apis/external.metrics.k8s.io/v1beta1/namespaces/" + namespace
)

// start brings up the cluster with its objects, and Prometheus. The HPA controller sleeps: its requests are
// made by callers, who know how long they waited.
func (b *bench) start(ctx context.Context) (err error) {
	lo := lab.Options{Out: b.Out, HPASyncPeriod: 24 * time.Hour, Trimtab: true}
	if _, err := lab.Build(ctx, lo); err != nil {
		return err
	}
	b.Say("a cluster with %d pods and HPAs", b.objects)
	if b.lab, err = lab.Start(ctx, lo); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			b.lab.Stop()
		}
	}()
	if b.ports, err = b.lab.Install(ctx); err != nil {
		return err
	}
	if b.callers, err = newCallers(b.lab.REST); err != nil {
		return err
	}
	if err := b.create(ctx); err != nil {
		return err
	}
	if b.prometheus, err = b.lab.StartPrometheus(ctx); err != nil {
		return err
	}
	b.feed = newFeed(b.prometheus, b.objects)
	return nil
}

// create makes nodes, and for each HPA a pod, a Deployment that rests, and the HPA.
func (b *bench) create(ctx context.Context) error {
	if err := b.lab.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	err := lab.Poll(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		return b.lab.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "default"}, &corev1.ServiceAccount{})
	})
	if err != nil {
		return err
	}
	var objects []client.Object
	for n := range nodes {
		objects = append(objects, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName(n), Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}}})
	}
	for n := range b.objects {
		objects = append(objects, pod(n), deployment(n), hpa(n))
	}
	if err := b.createAll(ctx, objects); err != nil {
		return err
	}
	b.Say("waiting until the pods run")
	return lab.Poll(ctx, time.Second, func(ctx context.Context) error {
		var pods corev1.PodList
		if err := b.lab.Client.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
			return err
		}
		running := 0
		for _, p := range pods.Items {
			if p.Status.Phase == corev1.PodRunning {
				running++
			}
		}
		return lab.Want(running, b.objects)
	})
}

func (b *bench) createAll(ctx context.Context, objects []client.Object) error {
	work := make(chan client.Object)
	var all sync.WaitGroup
	var once sync.Once
	var failed error
	for range parallel {
		all.Go(func() {
			for o := range work {
				if err := b.lab.Client.Create(ctx, o); err != nil {
					once.Do(func() { failed = fmt.Errorf("create %T %s: %w", o, o.GetName(), err) })
				}
			}
		})
	}
	for i, o := range objects {
		if i%1000 == 0 {
			b.Say("%d of %d objects", i, len(objects))
		}
		work <- o
	}
	close(work)
	all.Wait()
	return failed
}

// nodes take the pods, though no kubelet would take as many.
const nodes = 10

func nodeName(n int) string    { return fmt.Sprintf("bench-%d", n%nodes) }
func podName(n int) string     { return fmt.Sprintf("web-%d-0", n) }
func serviceName(n int) string { return fmt.Sprintf("web-%d", n) }
func queueName(n int) string   { return fmt.Sprintf("queue-%d", n) }

// labelsOf are those of a pod: one that its HPA selects by, and one that all have.
func labelsOf(n int) map[string]string {
	return map[string]string{"app": serviceName(n), "part-of": namespace}
}

func pod(n int) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: podName(n), Labels: labelsOf(n)},
		Spec: corev1.PodSpec{NodeName: nodeName(n), Containers: []corev1.Container{{
			Name: "main", Image: "registry.example.com/web:1", Env: []corev1.EnvVar{{Name: "A", Value: "b"}},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("100m")}},
		}}},
	}
}

// deployment is paused, so that the pods are as they were made.
func deployment(n int) *appsv1.Deployment {
	replicas := int32(1)
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labelsOf(n)}, Spec: pod(n).Spec}
	template.Spec.NodeName = ""
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: serviceName(n)},
		Spec: appsv1.DeploymentSpec{
			Paused: true, Replicas: &replicas, Template: template,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": serviceName(n)}},
		},
	}
}

// Of ten HPAs six ask for a metric of their pods, two for one of a Service, two for one from outside.
func isPods(n int) bool    { return n%10 < 6 }
func isService(n int) bool { return n%10 >= 6 && n%10 < 8 }

func hpa(n int) *autoscalingv2.HorizontalPodAutoscaler {
	value := resource.MustParse("10")
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &value}
	var metric autoscalingv2.MetricSpec
	switch {
	case isPods(n):
		metric = autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: podsMetric}, Target: target,
		}}
	case isService(n):
		metric = autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
			DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: serviceName(n)},
			Metric:          autoscalingv2.MetricIdentifier{Name: serviceMetric}, Target: target,
		}}
	default:
		metric = autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: queueMetric, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"queue": queueName(n)}}}, Target: target,
		}}
	}
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: serviceName(n)},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: serviceName(n)},
			MaxReplicas:    10, Metrics: []autoscalingv2.MetricSpec{metric},
		},
	}
}

// syncPath is what the HPA controller asks for the n-th HPA.
func syncPath(n int) string {
	switch {
	case isPods(n):
		return customAPI + "/pods/*/" + podsMetric + "?labelSelector=" + url.QueryEscape("app="+serviceName(n))
	case isService(n):
		return customAPI + "/services/" + serviceName(n) + "/" + serviceMetric
	default:
		return externalPath(n)
	}
}

func externalPath(n int) string {
	return externalAPI + "/" + queueMetric + "?labelSelector=" + url.QueryEscape("queue="+queueName(n))
}

func (b *bench) syncPaths() []string {
	paths := make([]string, b.objects)
	for n := range paths {
		paths[n] = syncPath(n)
	}
	return paths
}

// requestKind is a kind of request that many callers make; each asks for another object.
type requestKind struct {
	name string
	path func(n int) string
}

func (b *bench) requestKinds() []requestKind {
	return []requestKind{
		{"one pod by name", func(n int) string { return customAPI + "/pods/" + podName(n%b.objects) + "/" + podsMetric }},
		{fmt.Sprintf("selector over %d pods", b.objects), func(int) string {
			return customAPI + "/pods/*/" + podsMetric + "?labelSelector=" + url.QueryEscape("part-of="+namespace)
		}},
		{"external", func(n int) string { return externalPath(n % b.objects) }},
	}
}
