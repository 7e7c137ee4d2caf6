package offline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/restmapper"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
)

// Object is one object that exists.
type Object struct {
	// Resource is the plural or singular name of its kind's resource, with or without the group: deployments.apps.
	// Required.
	Resource string `yaml:"resource"`
	// Group is the API group of the resource. Default: the one in Resource, or the first group, in the API server's
	// order, that has the resource.
	Group string `yaml:"group"`
	// Namespace is the object's namespace. It is required for namespaced objects, and not allowed for others.
	Namespace string `yaml:"namespace"`
	// Name is its name. Required.
	Name string `yaml:"name"`
	// Labels are its labels. Default none.
	Labels map[string]string `yaml:"labels"`
	// Phase is the status.phase of a pod. Default Running: metrics.k8s.io shows only running pods.
	Phase string `yaml:"phase"`
}

// Cluster holds the objects of the simulated API server. It does not change.
type Cluster struct {
	mapper  meta.RESTMapper
	objects map[schema.GroupResource][]metav1.Object
	hpas    []*autoscalingv2.HorizontalPodAutoscaler
}

func newCluster(resources []Resource, objects []Object) (*Cluster, config.Problems) {
	known, ps := builtinKinds().with(resources)
	c := &Cluster{mapper: restmapper.NewDiscoveryRESTMapper(known), objects: map[schema.GroupResource][]metav1.Object{}}
	first := map[string]int{}
	for i, o := range objects {
		resource, found := c.check(o)
		for _, p := range found {
			ps.Add(within("objects", i, p.Path), "%s", p.Message)
		}
		key := fmt.Sprintf("%s %s/%s", resource, o.Namespace, o.Name)
		if before, twice := first[key]; twice {
			ps.Add(fmt.Sprintf("objects[%d]", i), "stands twice: objects[%d] has the same kind, namespace and name", before)
		} else if len(found) == 0 {
			first[key] = i
			c.objects[resource] = append(c.objects[resource], objectOf(resource, o))
		}
	}
	c.addNamespaces(objects)
	for _, some := range c.objects {
		slices.SortFunc(some, func(a, b metav1.Object) int {
			return cmp.Or(strings.Compare(a.GetNamespace(), b.GetNamespace()), strings.Compare(a.GetName(), b.GetName()))
		})
	}
	return c, ps
}

// check resolves the kind of an object, and finds the problems with it.
func (c *Cluster) check(o Object) (schema.GroupResource, config.Problems) {
	var ps config.Problems
	if o.Name == "" {
		ps.Add("name", "is required")
	}
	if phases := []string{"", "Pending", "Running", "Succeeded", "Failed", "Unknown"}; !slices.Contains(phases, o.Phase) {
		ps.Add("phase", "%.80q is none of %s", o.Phase, strings.Join(phases[1:], ", "))
	}
	if o.Resource == "" {
		ps.Add("resource", "is required: pods, deployments, ...")
		return schema.GroupResource{}, ps
	}
	named := schema.GroupResource{Group: o.Group, Resource: strings.ToLower(o.Resource)}
	if o.Group == "" {
		named = schema.ParseGroupResource(named.Resource)
	}
	found, err := c.mapper.ResourceFor(named.WithVersion(""))
	if err != nil {
		ps.Add("resource", "no kind has the resource %.80q%s; describe it in resources: {group, version, resource, kind, namespaced}", o.Resource, inGroup(o.Group))
		return schema.GroupResource{}, ps
	}
	namespaced, err := c.namespaced(found)
	switch {
	case err != nil:
		ps.Add("resource", "%v", err)
	case namespaced && o.Namespace == "":
		ps.Add("namespace", "is required: %s are in namespaces", found.Resource)
	case !namespaced && o.Namespace != "":
		ps.Add("namespace", "%.80q is not possible: %s are in no namespace; take it out", o.Namespace, found.Resource)
	}
	return found.GroupResource(), ps
}

func inGroup(group string) string {
	if group == "" {
		return ""
	}
	return fmt.Sprintf(" in the group %.80q", group)
}

func (c *Cluster) namespaced(resource schema.GroupVersionResource) (bool, error) {
	kind, err := c.mapper.KindFor(resource)
	if err != nil {
		return false, err
	}
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return false, err
	}
	return mapping.Scope.Name() == meta.RESTScopeNameNamespace, nil
}

// addNamespaces adds the namespaces of objects that the file does not list.
func (c *Cluster) addNamespaces(objects []Object) {
	namespaces := schema.GroupResource{Resource: "namespaces"}
	exists := map[string]bool{"": true}
	for _, ns := range c.objects[namespaces] {
		exists[ns.GetName()] = true
	}
	for _, o := range objects {
		if !exists[o.Namespace] {
			exists[o.Namespace] = true
			c.objects[namespaces] = append(c.objects[namespaces], objectOf(namespaces, Object{Name: o.Namespace}))
		}
	}
}

// objectOf returns the type that a live cluster has for the kind: pods and nodes as they are, all others as metadata.
func objectOf(resource schema.GroupResource, o Object) metav1.Object {
	metadata := metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, Labels: o.Labels}
	switch resource {
	case schema.GroupResource{Resource: "pods"}:
		return &corev1.Pod{ObjectMeta: metadata, Status: corev1.PodStatus{Phase: corev1.PodPhase(cmp.Or(o.Phase, string(corev1.PodRunning)))}}
	case schema.GroupResource{Resource: "nodes"}:
		return &corev1.Node{ObjectMeta: metadata}
	default:
		return &metav1.PartialObjectMetadata{ObjectMeta: metadata}
	}
}

// Mapper knows the kinds of objects.
func (c *Cluster) Mapper(context.Context) (meta.RESTMapper, error) { return c.mapper, nil }

// Objects are the objects of a kind that the selector matches, sorted by namespace and name. An empty namespace means
// all namespaces.
func (c *Cluster) Objects(_ context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]metav1.Object, error) {
	var out []metav1.Object
	for _, o := range c.objects[kind.GroupResource] {
		if (namespace == "" || o.GetNamespace() == namespace) && selector.Matches(labels.Set(o.GetLabels())) {
			out = append(out, o)
		}
	}
	return out, nil
}

// Names are the names of the Objects, in the same order.
func (c *Cluster) Names(ctx context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]string, error) {
	objects, err := c.Objects(ctx, kind, namespace, selector)
	var names []string
	for _, o := range objects {
		names = append(names, o.GetName())
	}
	return names, err
}

// HPAs are HPAs that would make the requests of the file.
func (c *Cluster) HPAs(context.Context) ([]*autoscalingv2.HorizontalPodAutoscaler, error) {
	return c.hpas, nil
}
