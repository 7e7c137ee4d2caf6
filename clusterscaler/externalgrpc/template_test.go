package externalgrpc

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// What the server leaves out of the one list stands in the other.
func TestTemplateWithOneList(t *testing.T) {
	n := template("a")
	n.Status.Capacity = nil
	got, err := decodeTemplate(serialized(t, n))
	if err != nil || got.Status.Capacity.Cpu().MilliValue() != 3900 {
		t.Errorf("%v, %v", got, err)
	}
	n = template("a")
	n.Status.Allocatable = nil
	got, err = decodeTemplate(serialized(t, n))
	if err != nil || got.Status.Allocatable.Cpu().MilliValue() != 4000 {
		t.Errorf("%v, %v", got, err)
	}
	n.Status.Capacity[corev1.ResourceCPU] = resource.MustParse("-1")
	if got, err := decodeTemplate(serialized(t, n)); err == nil {
		t.Errorf("%v", got)
	}
}

// Quantities that take hours to read are not read.
func TestQuantitiesBeyondReason(t *testing.T) {
	for _, text := range []string{"1e-2000000000", "1E+2000000000", strings.Repeat("9", 100), "1e", "e-", "E", "Ei"} {
		// The node's status, its capacity, an entry, with a quantity of that text.
		data := nested(text, 1, 2, 1, 3)
		data = append(data, nested(text, 1, 2, 2, 3)...)
		if n, err := decodeTemplate(data); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: %v, %v", text, n, err)
		}
	}
	n := template("a")
	n.Status.Allocatable[corev1.ResourceMemory] = resource.MustParse("16e9")
	if _, err := decodeTemplate(serialized(t, n)); err != nil {
		t.Error(err)
	}
}

// nested is a text in messages, each the field of that number in the next.
func nested(text string, numbers ...protowire.Number) []byte {
	data := []byte(text)
	for _, number := range numbers {
		data = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), data)
	}
	return data
}

// Whatever bytes come, there is a sound template or an error.
func FuzzTemplate(f *testing.F) {
	data, err := template("a").Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte{})
	f.Add(nested("1e-2000000000", 1, 2, 1, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := decodeTemplate(data)
		if err != nil {
			return
		}
		r := scheduling.NodeOf(n).Allocatable
		if r.MilliCPU <= 0 || r.Memory <= 0 || r.Pods <= 0 || r.Memory > maxAmount {
			t.Errorf("accepted: %+v", r)
		}
	})
}
