package api

import (
	"encoding/json"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The encoders in this file write byte for byte what the API server library writes for the same answer, newline
// included. A test feeds random answers to both.

// appendCustomJSON writes a MetricValueList of v1beta1 or v1beta2.
func appendCustomJSON(b []byte, v version, a *CustomAnswer) []byte {
	head, middle, tail := customParts(v, a)
	window := `,"window":`
	if v == customV1beta2 {
		window = `,"windowSeconds":`
	}
	var times stamps
	b = appendListJSON(b, v)
	for i := range a.Items {
		item := &a.Items[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, head...)
		if item.Name != "" {
			b = append(appendString(append(b, `"name":`...), item.Name), ',')
		}
		if a.APIVersion == "" && b[len(b)-1] == ',' {
			b = b[:len(b)-1]
		}
		b = append(b, middle...)
		b = times.append(b, item.TimestampMillis)
		if item.WindowSeconds != 0 {
			b = strconv.AppendInt(append(b, window...), item.WindowSeconds, 10)
		}
		b = appendMilli(append(b, `,"value":"`...), item.Milli)
		b = append(b, tail...)
	}
	return append(b, "]}\n"...)
}

// customParts are the texts that all items of an answer share: before the object's name, between the name and the time,
// and after the value.
func customParts(v version, a *CustomAnswer) (head, middle, tail []byte) {
	head = append(head, `{"describedObject":{`...)
	if a.Kind != "" {
		head = append(appendString(append(head, `"kind":`...), a.Kind), ',')
	}
	if a.Namespace != "" {
		head = append(appendString(append(head, `"namespace":`...), a.Namespace), ',')
	}
	if a.APIVersion != "" {
		middle = appendString(append(middle, `"apiVersion":`...), a.APIVersion)
	}
	if v == customV1beta2 {
		middle = appendString(append(middle, `},"metric":{"name":`...), a.Metric)
		middle = appendSelector(append(middle, `,"selector":`...), a.Selector)
		middle = append(middle, `},"timestamp":`...)
		return head, middle, append(tail, `"}`...)
	}
	middle = appendString(append(middle, `},"metricName":`...), a.Metric)
	middle = append(middle, `,"timestamp":`...)
	tail = appendSelector(append(tail, `","selector":`...), a.Selector)
	return head, middle, append(tail, '}')
}

func appendSelector(b []byte, s *metav1.LabelSelector) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	text, err := json.Marshal(s)
	if err != nil { // strings, and slices and maps of them, always have a JSON form
		return append(b, "null"...)
	}
	return append(b, text...)
}

// appendExternalJSON writes an ExternalMetricValueList.
func appendExternalJSON(b []byte, v version, a *ExternalAnswer) []byte {
	var times stamps
	var names []string
	b = appendListJSON(b, v)
	for i := range a.Items {
		item := &a.Items[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"metricName":`...), item.Metric)
		b = append(b, `,"metricLabels":`...)
		b, names = appendLabels(b, item.Labels, names)
		b = times.append(append(b, `,"timestamp":`...), item.TimestampMillis)
		if item.WindowSeconds != 0 {
			b = strconv.AppendInt(append(b, `,"window":`...), item.WindowSeconds, 10)
		}
		b = appendQuantity(append(b, `,"value":"`...), &item.Value)
		b = append(b, `"}`...)
	}
	return append(b, "]}\n"...)
}

// appendLabels writes a map sorted by its keys. It returns the memory that sorting used, for the next call.
func appendLabels(b []byte, labels map[string]string, names []string) ([]byte, []string) {
	if labels == nil {
		return append(b, "null"...), names
	}
	names = sortedKeys(names[:0], labels)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(appendString(b, name), ':'), labels[name])
	}
	return append(b, '}'), names
}

func sortedKeys(keys []string, m map[string]string) []string {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func appendListJSON(b []byte, v version) []byte {
	b = appendString(append(b, `{"kind":`...), v.kind())
	b = appendString(append(b, `,"apiVersion":`...), v.apiVersion())
	return append(b, `,"metadata":{},"items":[`...)
}
