package api

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/metrics/pkg/apis/metrics"
)

// nodeTable shows nodes as `kubectl get nodes.metrics.k8s.io` prints them.
type nodeTable struct{}

// ConvertToTable implements rest.TableConvertor.
func (nodeTable) ConvertToTable(_ context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table := newTable(options)
	switch o := object.(type) {
	case *metrics.NodeMetrics:
		addRow(table, o, o.Name, o.Usage, o.Window)
	case *metrics.NodeMetricsList:
		for i := range o.Items {
			addRow(table, &o.Items[i], o.Items[i].Name, o.Items[i].Usage, o.Items[i].Window)
		}
	default:
		return nil, fmt.Errorf("%T cannot be shown as a table", object)
	}
	return table, nil
}

// podTable shows pods as `kubectl get pods.metrics.k8s.io` prints them. The usage of a pod is the sum of its
// containers.
type podTable struct{}

// ConvertToTable implements rest.TableConvertor.
func (podTable) ConvertToTable(_ context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table := newTable(options)
	switch o := object.(type) {
	case *metrics.PodMetrics:
		addRow(table, o, o.Name, total(o.Containers), o.Window)
	case *metrics.PodMetricsList:
		for i := range o.Items {
			addRow(table, &o.Items[i], o.Items[i].Name, total(o.Items[i].Containers), o.Items[i].Window)
		}
	default:
		return nil, fmt.Errorf("%T cannot be shown as a table", object)
	}
	return table, nil
}

func total(containers []metrics.ContainerMetrics) corev1.ResourceList {
	sum := corev1.ResourceList{}
	for _, c := range containers {
		for name, quantity := range c.Usage {
			q := sum[name]
			q.Add(quantity)
			sum[name] = q
		}
	}
	return sum
}

func newTable(options runtime.Object) *metav1.Table {
	table := &metav1.Table{}
	if o, ok := options.(*metav1.TableOptions); ok && o.NoHeaders {
		return table
	}
	table.ColumnDefinitions = []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the resource"},
		{Name: "cpu", Type: "string", Format: "quantity"},
		{Name: "memory", Type: "string", Format: "quantity"},
		{Name: "Window", Type: "string", Format: "duration"},
	}
	return table
}

func addRow(table *metav1.Table, object runtime.Object, name string, usage corev1.ResourceList, window metav1.Duration) {
	cpu, memory := usage[corev1.ResourceCPU], usage[corev1.ResourceMemory]
	table.Rows = append(table.Rows, metav1.TableRow{
		Cells:  []any{name, cpu.String(), memory.String(), window.Duration.String()},
		Object: runtime.RawExtension{Object: object},
	})
}
