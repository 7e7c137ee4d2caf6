package scheduling

import (
	"testing"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Amounts have the unit of the resource that is short.
func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		name          string
		offered, want Resources
		message       string
	}{
		{"cores", Resources{MilliCPU: 500}, Resources{MilliCPU: 1000}, "InsufficientCPU: need 1000m, free 500m"},
		{"memory", Resources{Memory: 1 << 30}, Resources{Memory: 2 << 30}, "InsufficientMemory: need 2048Mi, free 1024Mi"},
		{"local storage", Resources{}, Resources{EphemeralStorage: 1 << 30}, "InsufficientEphemeralStorage: need 1024Mi, free 0"},
		{"slots", Resources{}, Resources{Pods: 1}, "TooManyPods: free 0"},
		{"devices", Resources{}, Resources{Extended: []Extended{{"nvidia.com/gpu", 2}}}, "InsufficientResource: resource nvidia.com/gpu, need 2, free 0"},
		{"huge pages", Resources{Extended: []Extended{{"hugepages-2Mi", 512 << 20}}}, Resources{Extended: []Extended{{"hugepages-2Mi", 2 << 30}}},
			"InsufficientResource: resource hugepages-2Mi, need 2048Mi, free 512Mi"},
	} {
		m := c.offered.shortage(c.want)
		if got := m.Verdict(verdict.On("pod", "a")).Message(); got != c.message {
			t.Errorf("%s: %q, want %q", c.name, got, c.message)
		}
		if n, short := m.Of(c.offered); !short || n != m.Free {
			t.Errorf("%s: %d of it, want %d", c.name, n, m.Free)
		}
	}
	if _, short := (Misfit{Code: TaintNotTolerated}).Of(Resources{}); short {
		t.Error("a taint is no resource")
	}
}
