package rules

import (
	"math"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Quantity is a sample's value in thousandths, cut off towards zero, as prometheus-adapter rounds. It is false
// for NaN, the infinities and numbers of 2^63 thousandths or more, which no quantity can hold.
func Quantity(v float64) (resource.Quantity, bool) {
	milli := v * 1000
	if math.IsNaN(milli) || milli >= math.MaxInt64 || milli <= math.MinInt64 {
		return resource.Quantity{}, false
	}
	return *resource.NewMilliQuantity(int64(milli), resource.DecimalSI), true
}
