package rules

import (
	"math"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Milli is a sample's value in thousandths, rounded towards zero as in prometheus-adapter. It is false for values that
// no quantity can hold: NaN, the infinities and numbers of 2^63 thousandths or more.
func Milli(v float64) (int64, bool) {
	milli := v * 1000
	if math.IsNaN(milli) || milli >= math.MaxInt64 || milli <= math.MinInt64 {
		return 0, false
	}
	return int64(milli), true
}

// Usable is true if a quantity can hold the value.
func Usable(v float64) bool {
	_, ok := Milli(v)
	return ok
}

// Quantity is Milli as a Kubernetes quantity.
func Quantity(v float64) (resource.Quantity, bool) {
	milli, ok := Milli(v)
	if !ok {
		return resource.Quantity{}, false
	}
	return *resource.NewMilliQuantity(milli, resource.DecimalSI), true
}
