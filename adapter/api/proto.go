package api

import (
	"encoding/binary"
	"math/bits"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The encoders in this file write the same bytes as the generated code of k8s.io/metrics, in the envelope of
// Kubernetes. Fields are in the order of their numbers. Empty strings are written too.

const (
	// envelopeMagic begins each protobuf answer of Kubernetes.
	envelopeMagic = "k8s\x00"
	// emptyListMeta is field 1 of a list: selfLink, resourceVersion and continue, all empty.
	emptyListMeta = "\x0a\x06\x0a\x00\x12\x00\x1a\x00"
)

// appendCustomProto writes a MetricValueList of v1beta1 or v1beta2.
func appendCustomProto(b []byte, v version, a *CustomAnswer) []byte {
	b, start := beginProto(b, v)
	shared := newProtoParts(v, a)
	for i := range a.Items {
		b = shared.append(b, &a.Items[i])
	}
	return endProto(b, start)
}

// protoParts are the parts that the items of an answer share: the object around its name, the metric, and the selector
// where it is at the end of the item. value is memory for a value.
type protoParts struct{ head, tail, metric, selector, value []byte }

func newProtoParts(v version, a *CustomAnswer) *protoParts {
	p := &protoParts{value: make([]byte, 0, 32)}
	p.head = appendField(appendField(nil, 0x0a, a.Kind), 0x12, a.Namespace)
	p.tail = appendField([]byte("\x22\x00"), 0x2a, a.APIVersion)
	p.tail = append(p.tail, "\x32\x00\x3a\x00"...)
	selector := protoSelector(a.Selector)
	if v != customV1beta2 {
		p.metric = appendField(nil, 0x12, a.Metric)
		if selector != nil {
			p.selector = appendField(nil, 0x32, string(selector))
		}
		return p
	}
	identifier := appendField(nil, 0x0a, a.Metric)
	if selector != nil {
		identifier = appendField(identifier, 0x12, string(selector))
	}
	p.metric = appendField(nil, 0x12, string(identifier))
	return p
}

func (p *protoParts) append(b []byte, item *CustomItem) []byte {
	p.value = appendMilli(p.value[:0], item.Milli)
	object := len(p.head) + fieldSize(len(item.Name)) + len(p.tail)
	b = appendLength(b, 0x12, fieldSize(object)+len(p.metric)+sampleSize(item.TimestampMillis, item.WindowSeconds, len(p.value))+len(p.selector))
	b = append(appendLength(b, 0x0a, object), p.head...)
	b = append(appendField(b, 0x1a, item.Name), p.tail...)
	b = append(b, p.metric...)
	b = appendSample(b, item.TimestampMillis, item.WindowSeconds, p.value)
	return append(b, p.selector...)
}

// appendExternalProto writes an ExternalMetricValueList.
func appendExternalProto(b []byte, v version, a *ExternalAnswer) []byte {
	b, start := beginProto(b, v)
	var names []string
	var text [64]byte
	for i := range a.Items {
		item := &a.Items[i]
		value := appendQuantity(text[:0], &item.Value)
		names = sortedKeys(names[:0], item.Labels)
		size := fieldSize(len(item.Metric)) + sampleSize(item.TimestampMillis, item.WindowSeconds, len(value))
		for _, name := range names {
			size += fieldSize(fieldSize(len(name)) + fieldSize(len(item.Labels[name])))
		}
		b = appendField(appendLength(b, 0x12, size), 0x0a, item.Metric)
		for _, name := range names {
			label := item.Labels[name]
			b = appendLength(b, 0x12, fieldSize(len(name))+fieldSize(len(label)))
			b = appendField(appendField(b, 0x0a, name), 0x12, label)
		}
		b = appendSample(b, item.TimestampMillis, item.WindowSeconds, value)
	}
	return endProto(b, start)
}

// appendSample writes the fields 3 to 5 that all items have: time, window and value.
func appendSample(b []byte, millis, window int64, value []byte) []byte {
	if seconds, ok := protoSeconds(millis); ok {
		b = append(appendLength(b, 0x1a, varintSize(seconds)+3), 0x08)
		b = append(binary.AppendUvarint(b, seconds), 0x10, 0x00) // no parts of a second, as in JSON
	} else {
		b = append(b, 0x1a, 0x00)
	}
	if window != 0 {
		b = binary.AppendUvarint(append(b, 0x20), uint64(window))
	}
	b = appendLength(b, 0x2a, fieldSize(len(value)))
	return append(appendLength(b, 0x0a, len(value)), value...)
}

func sampleSize(millis, window int64, value int) int {
	size := 2 + fieldSize(fieldSize(value))
	if seconds, ok := protoSeconds(millis); ok {
		size += varintSize(seconds) + 3
	}
	if window != 0 {
		size += 1 + varintSize(uint64(window))
	}
	return size
}

// protoSeconds is false for the zero time, which has no fields.
func protoSeconds(millis int64) (uint64, bool) {
	t := time.UnixMilli(millis)
	return uint64(t.Unix()), !t.IsZero()
}

func protoSelector(s *metav1.LabelSelector) []byte {
	if s == nil {
		return nil
	}
	data, err := s.Marshal()
	if err != nil { // generated code fails only where its own sizes are wrong
		return nil
	}
	return data
}

// beginProto writes the envelope up to the length of the list. endProto inserts the length at start.
func beginProto(b []byte, v version) ([]byte, int) {
	b = append(b, envelopeMagic...)
	b = appendLength(b, 0x0a, fieldSize(len(v.apiVersion()))+fieldSize(len(v.kind())))
	b = appendField(appendField(b, 0x0a, v.apiVersion()), 0x12, v.kind())
	b = append(b, 0x12)
	start := len(b)
	return append(b, emptyListMeta...), start
}

func endProto(b []byte, start int) []byte {
	size := len(b) - start
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(size))
	b = append(b, length[:n]...)
	copy(b[start+n:], b[start:start+size])
	copy(b[start:], length[:n])
	return append(b, "\x1a\x00\x22\x00"...) // no content encoding, no content type
}

// appendField writes a string or bytes, tag first.
func appendField(b []byte, tag byte, s string) []byte {
	return append(appendLength(b, tag, len(s)), s...)
}

func appendLength(b []byte, tag byte, n int) []byte {
	return binary.AppendUvarint(append(b, tag), uint64(n))
}

// fieldSize is the size of a string or message of n bytes, with its tag and length.
func fieldSize(n int) int { return 1 + varintSize(uint64(n)) + n }

func varintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }
