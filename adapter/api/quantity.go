package api

import (
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

// appendMilli writes thousandths as a quantity in Kubernetes' canonical form, with the largest suffix that leaves a
// whole number. It equals resource.NewMilliQuantity(milli, resource.DecimalSI).String().
func appendMilli(b []byte, milli int64) []byte {
	if milli == 0 {
		return append(b, '0')
	}
	const suffixes = "m\x00kMGTP" // 10^18 thousandths are the most that 64 bits hold, which is 1P
	exponent := 0
	for milli%1000 == 0 {
		milli /= 1000
		exponent++
	}
	b = strconv.AppendInt(b, milli, 10)
	if suffix := suffixes[exponent]; suffix != 0 {
		b = append(b, suffix)
	}
	return b
}

// appendQuantity writes any quantity in its canonical form. Unlike Quantity.String it does not change the quantity.
func appendQuantity(b []byte, q *resource.Quantity) []byte {
	number, suffix := q.CanonicalizeBytes(b[len(b):])
	return append(append(b, number...), suffix...)
}
