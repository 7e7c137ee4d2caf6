package delegate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
)

const (
	// maxItems bounds the entries of an answer. In memory they need many times the bytes that a hostile server sends.
	maxItems = 100_000
	// maxDigits and maxExponent bound a quantity, since large exponents cost time and memory.
	maxDigits   = 400
	maxExponent = 308
)

// bounded is a list of at most maxItems. An error names the item.
type bounded[T any] []T

func (l *bounded[T]) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if string(data) == "null" {
		return nil
	}
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return errors.New("a list is expected")
	}
	for i := 0; d.More(); i++ {
		if i == maxItems {
			return fmt.Errorf("more than %d items", maxItems)
		}
		var item T
		if err := d.Decode(&item); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		*l = append(*l, item)
	}
	return nil
}

// quantity is a resource.Quantity from a delegate. The zero value means that there was none.
type quantity struct{ *resource.Quantity }

func (q *quantity) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" {
		return nil
	}
	if len(text) > maxDigits {
		return errors.New("a quantity that is too long")
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 && i+1 < len(text) { // a last E is the suffix exa
		if n, err := strconv.Atoi(text[i+1:]); err != nil || n > maxExponent || n < -maxExponent {
			return fmt.Errorf("%q is no quantity that can be taken", text)
		}
	}
	parsed, err := resource.ParseQuantity(text)
	if err != nil {
		return fmt.Errorf("%q is no quantity", text)
	}
	q.Quantity = &parsed
	return nil
}

// wire is a list as it is sent, for both versions of both APIs.
type wire struct {
	Kind       string         `json:"kind"`
	APIVersion string         `json:"apiVersion"`
	Items      bounded[value] `json:"items"`
}

type value struct {
	DescribedObject corev1.ObjectReference `json:"describedObject"`
	MetricName      string                 `json:"metricName"`
	MetricLabels    map[string]string      `json:"metricLabels"`
	Timestamp       metav1.Time            `json:"timestamp"`
	Window          *int64                 `json:"window"`
	Value           quantity               `json:"value"`
	Selector        *metav1.LabelSelector  `json:"selector"`
	// Metric and WindowSeconds are the fields of custom v1beta2 for MetricName, Selector and Window.
	Metric struct {
		Name     string                `json:"name"`
		Selector *metav1.LabelSelector `json:"selector"`
	} `json:"metric"`
	WindowSeconds *int64 `json:"windowSeconds"`
}

func readWire(kind, groupVersion string, body []byte) (bounded[value], error) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, unreadable("values that cannot be read: %v", err)
	}
	if w.Kind != kind || w.APIVersion != groupVersion {
		return nil, unreadable("kind %q of %q where the %s of %s is expected", w.Kind, w.APIVersion, kind, groupVersion)
	}
	for i, item := range w.Items {
		if item.Value.Quantity == nil {
			return nil, unreadable("item %d has no value", i)
		}
	}
	return w.Items, nil
}

// readCustom reads an answer. A request by name must have exactly one value. An answer for another namespace is
// refused, since the client was authorised for this namespace only.
func readCustom(version string, r Request, body []byte) (*custom_metrics.MetricValueList, error) {
	items, err := readWire("MetricValueList", customGroup+"/"+version, body)
	if err != nil {
		return nil, err
	}
	if r.one() && len(items) != 1 {
		return nil, unreadable("%d values for one object", len(items))
	}
	list := &custom_metrics.MetricValueList{Items: make([]custom_metrics.MetricValue, len(items))}
	for i, v := range items {
		if in := v.DescribedObject.Namespace; r.Namespaced && in != "" && in != r.Namespace {
			return nil, unreadable("an object of namespace %q where one of %q is asked for", in, r.Namespace)
		}
		metric, window := custom_metrics.MetricIdentifier{Name: v.Metric.Name, Selector: v.Metric.Selector}, v.WindowSeconds
		if version == "v1beta1" {
			metric, window = custom_metrics.MetricIdentifier{Name: v.MetricName, Selector: v.Selector}, v.Window
		}
		list.Items[i] = custom_metrics.MetricValue{
			DescribedObject: custom_metrics.ObjectReference(v.DescribedObject),
			Metric:          metric, Timestamp: v.Timestamp, WindowSeconds: window, Value: *v.Value.Quantity,
		}
	}
	return list, nil
}

func readExternal(body []byte) (*external_metrics.ExternalMetricValueList, error) {
	items, err := readWire("ExternalMetricValueList", externalGroup+"/v1beta1", body)
	if err != nil {
		return nil, err
	}
	list := &external_metrics.ExternalMetricValueList{Items: make([]external_metrics.ExternalMetricValue, len(items))}
	for i, v := range items {
		list.Items[i] = external_metrics.ExternalMetricValue{
			MetricName: v.MetricName, MetricLabels: v.MetricLabels, Timestamp: v.Timestamp, WindowSeconds: v.Window, Value: *v.Value.Quantity,
		}
	}
	return list, nil
}
