package config

import (
	"fmt"
	"strconv"
)

// Between adds a problem if the value is not between least and most, as NaN is not.
func Between[N int | int64 | float64 | Duration](ps *Problems, path string, value, least, most N) {
	if !(value >= least && value <= most) {
		ps.Add(path, "%v is not between %s and %s", value, bound(least), bound(most))
	}
}

// bound is a number as people write it: 1000000, not 1e+06.
func bound(n any) string {
	if f, is := n.(float64); is {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(n)
}
