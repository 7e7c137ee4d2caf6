package api

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// resourceDefinitions are the schemas of metrics.k8s.io v1beta1, for which k8s.io/metrics has none.
func resourceDefinitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	usage := described("The memory usage is the memory working set.", spec.MapProperty(refTo(ref, resource.Quantity{}.OpenAPIModelName())))
	window := described("The usage is that of the time from timestamp minus window to timestamp.", refTo(ref, metav1.Duration{}.OpenAPIModelName()))
	timestamp := refTo(ref, metav1.Time{}.OpenAPIModelName())
	containers := spec.ArrayProperty(refTo(ref, v1beta1.ContainerMetrics{}.OpenAPIModelName()))
	containers.AddExtension("x-kubernetes-list-type", "atomic")
	return map[string]common.OpenAPIDefinition{
		v1beta1.ContainerMetrics{}.OpenAPIModelName(): definition("ContainerMetrics is the usage of a container.",
			map[string]spec.Schema{"name": *spec.StringProperty(), "usage": *usage}, "name", "usage"),
		v1beta1.NodeMetrics{}.OpenAPIModelName(): definition("NodeMetrics is the usage of a node.",
			object(ref, metav1.ObjectMeta{}.OpenAPIModelName(), map[string]spec.Schema{"timestamp": *timestamp, "window": *window, "usage": *usage}),
			"timestamp", "window", "usage"),
		v1beta1.PodMetrics{}.OpenAPIModelName(): definition("PodMetrics is the usage of a pod's containers, all measured over the same time.",
			object(ref, metav1.ObjectMeta{}.OpenAPIModelName(), map[string]spec.Schema{"timestamp": *timestamp, "window": *window, "containers": *containers}),
			"timestamp", "window", "containers"),
		v1beta1.NodeMetricsList{}.OpenAPIModelName(): listDefinition(ref, "NodeMetricsList is a list of NodeMetrics.", v1beta1.NodeMetrics{}.OpenAPIModelName()),
		v1beta1.PodMetricsList{}.OpenAPIModelName():  listDefinition(ref, "PodMetricsList is a list of PodMetrics.", v1beta1.PodMetrics{}.OpenAPIModelName()),
	}
}

func listDefinition(ref common.ReferenceCallback, description, item string) common.OpenAPIDefinition {
	items := spec.ArrayProperty(refTo(ref, item))
	return definition(description, object(ref, metav1.ListMeta{}.OpenAPIModelName(), map[string]spec.Schema{"items": *items}), "items")
}

// object adds what each object of Kubernetes' API has.
func object(ref common.ReferenceCallback, meta string, properties map[string]spec.Schema) map[string]spec.Schema {
	properties["kind"], properties["apiVersion"] = *spec.StringProperty(), *spec.StringProperty()
	properties["metadata"] = *refTo(ref, meta)
	return properties
}

func definition(description string, properties map[string]spec.Schema, required ...string) common.OpenAPIDefinition {
	schema := spec.Schema{SchemaProps: spec.SchemaProps{
		Description: description, Type: []string{"object"}, Properties: properties, Required: required,
	}}
	return common.OpenAPIDefinition{Schema: schema}
}

func described(description string, schema *spec.Schema) *spec.Schema {
	schema.Description = description
	return schema
}

func refTo(ref common.ReferenceCallback, model string) *spec.Schema {
	return &spec.Schema{SchemaProps: spec.SchemaProps{Ref: ref(model)}}
}
