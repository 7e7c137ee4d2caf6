package rules

import (
	"math"
	"testing"
)

// The texts are those that the same samples get from prometheus-adapter, but for the values that no
// quantity can hold, which it turns into zero or into a huge negative number.
func TestQuantityCutsOffBelowAThousandth(t *testing.T) {
	for _, c := range []struct {
		value float64
		want  string // empty: no value
	}{
		{0, "0"}, {0.0009, "0"}, {-0.0004, "0"}, {0.016, "16m"}, {0.30370, "303m"}, {1, "1"}, {1.0005, "1"}, {1.005, "1004m"},
		{2.3, "2300m"}, {20.5, "20500m"}, {999.9999, "999999m"}, {1000, "1k"}, {12000, "12k"}, {1.2e6, "1200k"}, {1e6, "1M"}, {-1.5, "-1500m"},
		{9.2e15, "9200T"},
		{math.NaN(), ""}, {math.Inf(1), ""}, {math.Inf(-1), ""}, {9.3e15, ""}, {-9.3e15, ""}, {math.MaxFloat64, ""}, {-math.MaxFloat64, ""},
	} {
		q, ok := Quantity(c.value)
		switch {
		case !ok && c.want != "":
			t.Errorf("%v has no quantity, want %s", c.value, c.want)
		case ok && q.String() != c.want:
			t.Errorf("%v is %s, want %q", c.value, q.String(), c.want)
		}
	}
}
