package rules

import (
	"math"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Milli is a sample's value in thousandths, cut off towards zero, as prometheus-adapter rounds. It is false for
// NaN, the infinities and numbers of 2^63 thousandths or more, which no quantity can hold.
func Milli(v float64) (int64, bool) {
	milli := v * 1000
	if math.IsNaN(milli) || milli >= math.MaxInt64 || milli <= math.MinInt64 {
		return 0, false
	}
	return int64(milli), true
}

// Usable tells whether a quantity can hold the value.
func Usable(v float64) bool {
	_, ok := Milli(v)
	return ok
}

// Quantity is Milli as Kubernetes carries it.
func Quantity(v float64) (resource.Quantity, bool) {
	milli, ok := Milli(v)
	if !ok {
		return resource.Quantity{}, false
	}
	return *resource.NewMilliQuantity(milli, resource.DecimalSI), true
}
