package adapter

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	resourcemetrics "k8s.io/metrics/pkg/apis/metrics"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/verdict"
)

// resourceAPI serves metrics.k8s.io; nil where the rules have no resourceRules.
func (a *Adapter) resourceAPI() api.ResourceAPI {
	if !a.setup.Load().set.HasResource() {
		return nil
	}
	return resourceAPI{a}
}

// resourceAPI implements api.ResourceAPI with the resourceRules. An object is left out unless both its CPU and its
// memory are known. If a container of a pod lacks one of them, that one is zero, as in prometheus-adapter.
type resourceAPI struct{ adapter *Adapter }

// Nodes returns the usage of the nodes that match, or of the named node.
func (a resourceAPI) Nodes(ctx context.Context, name string, selector labels.Selector) ([]resourcemetrics.NodeMetrics, error) {
	ctx, cancel := context.WithTimeout(ctx, a.adapter.requestTimeout())
	defer cancel()
	r := a.adapter.begin(resourceName, verdict.On("metric", "nodes/usage"), "")
	p, usage, objects, f := r.resource(ctx, "nodes", "", name, selector)
	if f != nil {
		return nil, r.refused(f)
	}
	found, f := r.usage(ctx, p, usage.CPU.Nodes, usage.Memory.Nodes, objects, name != "")
	if f != nil {
		return nil, r.refused(f)
	}
	out := make([]resourcemetrics.NodeMetrics, 0, len(objects))
	for _, object := range objects {
		cpu, memory := found.cpu.row(object.GetName()), found.memory.row(object.GetName())
		r.ofUsage(object.GetName(), found, usable(cpu) && usable(memory))
		if !usable(cpu) || !usable(memory) {
			continue
		}
		out = append(out, resourcemetrics.NodeMetrics{
			ObjectMeta: described(object, a.adapter.deps.Now()), Timestamp: metav1.NewTime(time.UnixMilli(min(cpu.millis, memory.millis))),
			Window: metav1.Duration{Duration: usage.Window}, Usage: quantities(cpu, memory),
		})
	}
	r.served(len(out), len(objects), found.warnings())
	return out, nil
}

// Pods returns the usage of the running pods that match, or of the named pod, by container.
func (a resourceAPI) Pods(ctx context.Context, namespace, name string, selector labels.Selector) ([]resourcemetrics.PodMetrics, error) {
	ctx, cancel := context.WithTimeout(ctx, a.adapter.requestTimeout())
	defer cancel()
	r := a.adapter.begin(resourceName, verdict.On("metric", "pods/usage"), namespace)
	p, usage, objects, f := r.resource(ctx, "pods", namespace, name, selector)
	if f != nil {
		return nil, r.refused(f)
	}
	out := make([]resourcemetrics.PodMetrics, 0, len(objects))
	var warnings []string
	for _, some := range byNamespace(objects) {
		found, f := r.usage(ctx, p, usage.CPU.Containers, usage.Memory.Containers, some, name != "")
		if f != nil {
			return nil, r.refused(f)
		}
		warnings = append(warnings, found.warnings()...)
		for _, object := range some {
			pod, ok := podMetrics(object, found, a.adapter.deps.Now())
			if r.ofUsage(object.GetName(), found, ok); ok {
				pod.Window = metav1.Duration{Duration: usage.Window}
				out = append(out, pod)
			}
		}
	}
	r.served(len(out), len(objects), warnings)
	return out, nil
}

// resource finds the rules and the objects of a request.
func (r *request) resource(ctx context.Context, plural, namespace, name string, selector labels.Selector) (*plan, rules.Resource, []metav1.Object, *failure) {
	p := r.adapter.plan.Load()
	if p == nil {
		return nil, rules.Resource{}, nil, r.unknown(p, "")
	}
	usage, ok := p.set.Resource(p.kinds)
	kind, known := p.kinds.Kind(schema.GroupResource{Resource: plural})
	if !ok || !known {
		return nil, rules.Resource{}, nil, r.unknown(p, "the rules have no resourceRules")
	}
	r.source = "resourceRules"
	objects, f := r.objects(ctx, kind, namespace, selector)
	if f != nil {
		return nil, rules.Resource{}, nil, f
	}
	objects = slices.DeleteFunc(objects, func(o metav1.Object) bool {
		pod, isPod := o.(*corev1.Pod)
		return name != "" && o.GetName() != name || isPod && pod.Status.Phase != corev1.PodRunning
	})
	return p, usage, objects, nil
}

// used has the answers for some objects of one namespace.
type used struct{ cpu, memory found }

func (u used) warnings() []string { return append(slices.Clone(u.cpu.warnings), u.memory.warnings...) }

// ofUsage notes what to report about the rows of an object. The object is served or left out.
func (r *request) ofUsage(name string, u used, served bool) {
	for _, found := range []found{u.cpu, u.memory} {
		r.amongRows(name, found.rows(name))
		if !served {
			r.without(name, found)
		}
	}
}

// usage asks for both resources, of one named object or of a list of objects.
func (r *request) usage(ctx context.Context, p *plan, cpu, memory rules.Source, objects []metav1.Object, one bool) (used, *failure) {
	if len(objects) == 0 {
		return used{}, nil
	}
	plural := "nodes"
	if _, isPod := objects[0].(*corev1.Pod); isPod {
		plural = "pods"
	}
	kind, _ := p.kinds.Kind(schema.GroupResource{Resource: plural})
	asked := rules.Objects{Kind: kind, Namespace: objects[0].GetNamespace()}
	for _, object := range objects {
		asked.Names = append(asked.Names, object.GetName())
	}
	var u used
	var f *failure
	if u.cpu, f = r.answer(ctx, p, question{source: cpu, objects: asked, one: one, selector: labels.Everything()}); f != nil {
		return u, f
	}
	u.memory, f = r.answer(ctx, p, question{source: memory, objects: asked, one: one, selector: labels.Everything()})
	return u, f
}

// byNamespace splits objects, which are sorted by namespace, into one slice for each namespace.
func byNamespace(objects []metav1.Object) [][]metav1.Object {
	return slices.Collect(func(yield func([]metav1.Object) bool) {
		for from := 0; from < len(objects); {
			to := from + 1
			for to < len(objects) && objects[to].GetNamespace() == objects[from].GetNamespace() {
				to++
			}
			if !yield(objects[from:to]) {
				return
			}
			from = to
		}
	})
}

// podMetrics joins the rows of a pod's containers. It is false where one of the resources is missing completely.
func podMetrics(pod metav1.Object, u used, now time.Time) (resourcemetrics.PodMetrics, bool) {
	cpu, memory := u.cpu.rows(pod.GetName()), u.memory.rows(pod.GetName())
	if len(cpu) == 0 || len(memory) == 0 {
		return resourcemetrics.PodMetrics{}, false
	}
	type pair struct{ cpu, memory *row }
	containers := map[string]pair{}
	oldest := int64(math.MaxInt64)
	for i := range cpu {
		one := containers[cpu[i].extra]
		one.cpu = &cpu[i]
		containers[cpu[i].extra] = one
		oldest = min(oldest, cpu[i].millis)
	}
	for i := range memory {
		one := containers[memory[i].extra]
		one.memory = &memory[i]
		containers[memory[i].extra] = one
		oldest = min(oldest, memory[i].millis)
	}
	out := resourcemetrics.PodMetrics{ObjectMeta: described(pod, now), Timestamp: metav1.NewTime(time.UnixMilli(oldest))}
	for _, name := range slices.Sorted(maps.Keys(containers)) {
		one := containers[name]
		if one.cpu != nil && !usable(one.cpu) || one.memory != nil && !usable(one.memory) {
			return resourcemetrics.PodMetrics{}, false // a missing number is not zero
		}
		out.Containers = append(out.Containers, resourcemetrics.ContainerMetrics{Name: name, Usage: quantities(one.cpu, one.memory)})
	}
	return out, true
}

func usable(r *row) bool { return r != nil && !r.unusable }

// quantities are the usage of one container or node. A missing or negative value is zero.
func quantities(cpu, memory *row) corev1.ResourceList {
	milli := func(r *row) int64 {
		if r == nil {
			return 0
		}
		m, _ := rules.Milli(r.value)
		return max(0, m)
	}
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(milli(cpu), resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewMilliQuantity(milli(memory), resource.BinarySI),
	}
}

// described is the metadata of an object that an answer repeats. The answer's creation time is now.
func described(object metav1.Object, now time.Time) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: object.GetName(), Namespace: object.GetNamespace(), Labels: object.GetLabels(), CreationTimestamp: metav1.NewTime(now)}
}
