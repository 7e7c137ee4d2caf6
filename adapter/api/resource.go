package api

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/metrics/pkg/apis/metrics"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// newResourceScheme knows the types of metrics.k8s.io and nothing else.
func newResourceScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := metrics.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := v1beta1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	return scheme, scheme.SetVersionPriority(v1beta1.SchemeGroupVersion)
}

// installResource serves metrics.k8s.io v1beta1.
func installResource(server *genericapiserver.GenericAPIServer, scheme *runtime.Scheme, api ResourceAPI) error {
	group := genericapiserver.NewDefaultAPIGroupInfo(metrics.GroupName, scheme, metav1.ParameterCodec, serializer.NewCodecFactory(scheme))
	group.VersionedResourcesStorageMap[v1beta1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		"nodes": nodeStorage{api: api},
		"pods":  podStorage{api: api},
	}
	return server.InstallAPIGroup(&group)
}

// selection chooses objects of a list.
type selection struct {
	name   string
	labels labels.Selector
	fields fields.Selector
}

func newSelection(options *internalversion.ListOptions) selection {
	s := selection{labels: labels.Everything(), fields: fields.Everything()}
	if options == nil {
		return s
	}
	if options.LabelSelector != nil {
		s.labels = options.LabelSelector
	}
	if options.FieldSelector != nil {
		s.fields = options.FieldSelector
		s.name, _ = s.fields.RequiresExactMatch("metadata.name")
	}
	return s
}

// matches applies the field selector. The library allows only name and namespace in it.
func (s selection) matches(o metav1.ObjectMeta) bool {
	return s.fields.Matches(fields.Set{"metadata.name": o.Name, "metadata.namespace": o.Namespace})
}

// nodeStorage implements rest.Storage, rest.Getter and rest.Lister for nodes.
type nodeStorage struct {
	nodeTable
	api ResourceAPI
}

func (nodeStorage) New() runtime.Object     { return &metrics.NodeMetrics{} }
func (nodeStorage) NewList() runtime.Object { return &metrics.NodeMetricsList{} }
func (nodeStorage) Destroy()                {}
func (nodeStorage) NamespaceScoped() bool   { return false }
func (nodeStorage) Kind() string            { return "NodeMetrics" }

// GetSingularName implements rest.SingularNameProvider; as in metrics-server there is none, so that `kubectl get
// node` means the real one.
func (nodeStorage) GetSingularName() string { return "" }

func (s nodeStorage) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	items, err := s.api.Nodes(ctx, name, labels.Everything())
	if err != nil {
		return nil, err
	}
	for i := range items {
		if items[i].Name == name {
			return &items[i], nil
		}
	}
	return nil, apierrors.NewNotFound(metrics.Resource("nodemetrics"), name)
}

func (s nodeStorage) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	want := newSelection(options)
	items, err := s.api.Nodes(ctx, want.name, want.labels)
	if err != nil {
		return nil, err
	}
	list := &metrics.NodeMetricsList{Items: make([]metrics.NodeMetrics, 0, len(items))}
	for _, item := range items {
		if want.matches(item.ObjectMeta) {
			list.Items = append(list.Items, item)
		}
	}
	return list, nil
}

// podStorage implements rest.Storage, rest.Getter and rest.Lister for pods.
type podStorage struct {
	podTable
	api ResourceAPI
}

func (podStorage) New() runtime.Object     { return &metrics.PodMetrics{} }
func (podStorage) NewList() runtime.Object { return &metrics.PodMetricsList{} }
func (podStorage) Destroy()                {}
func (podStorage) NamespaceScoped() bool   { return true }
func (podStorage) Kind() string            { return "PodMetrics" }

// GetSingularName implements rest.SingularNameProvider; there is none, as for nodes.
func (podStorage) GetSingularName() string { return "" }

func (s podStorage) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	namespace := request.NamespaceValue(ctx)
	items, err := s.api.Pods(ctx, namespace, name, labels.Everything())
	if err != nil {
		return nil, err
	}
	for i := range items {
		if items[i].Name == name && items[i].Namespace == namespace {
			return &items[i], nil
		}
	}
	return nil, apierrors.NewNotFound(metrics.Resource("podmetrics"), namespace+"/"+name)
}

func (s podStorage) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	want := newSelection(options)
	items, err := s.api.Pods(ctx, request.NamespaceValue(ctx), want.name, want.labels)
	if err != nil {
		return nil, err
	}
	list := &metrics.PodMetricsList{Items: make([]metrics.PodMetrics, 0, len(items))}
	for _, item := range items {
		if want.matches(item.ObjectMeta) {
			list.Items = append(list.Items, item)
		}
	}
	return list, nil
}
