package recommend

import (
	"math"
	"time"

	"github.com/trimtab/trimtab/vpa/histogram"
)

// Percentiles are the percentiles of one resource's target and bounds (0 to 1), and the length of history that is one
// unit of confidence.
type Percentiles struct {
	Target, Lower, Upper float64
	ConfidenceInterval   time.Duration
}

// Bound is one estimate with its terms, in the order in which they apply. Numbers are milli-cores or bytes.
type Bound struct {
	// Percentile is the percentile of the usage, Margin the safety margin on top of it.
	Percentile, Margin int64
	// Multiplier widens the sum of both while the history is short. It is 1 for a target.
	Multiplier float64
	// Floor is the container's share of the pod's minimum.
	Floor int64
	// Value is the estimate, before rounding and policy.
	Value int64
}

// Raised is true if the value is Floor.
func (b Bound) Raised() bool {
	return b.Floor > scaled(b.Percentile+b.Margin, b.Multiplier)
}

// Estimate is the result of one resource's usage.
type Estimate struct {
	Target, Lower, Upper Bound
	// Confidence is the length of the history in confidence intervals: by default, days.
	Confidence float64
}

// cpu estimates milli-cores for one of a pod's containers.
func (s *Settings) cpu(u *Usage, containers int) Estimate {
	floor := share(s.PodMinCPUMilli*0.001*1000, containers)
	return estimate(u.CPU, 1000, s.CPU, s.MarginFraction, floor, confidence(u, s.CPU.ConfidenceInterval))
}

// memory estimates bytes for one of a pod's containers.
func (s *Settings) memory(u *Usage, containers int) Estimate {
	floor := share(s.PodMinMemoryMB*1024*1024, containers)
	return estimate(u.Memory, 1, s.Memory, s.MarginFraction, floor, confidence(u, s.Memory.ConfidenceInterval))
}

// share divides the minimum of a pod among its containers.
func share(podMin float64, containers int) int64 {
	return scaled(amount(podMin), 1/float64(containers))
}

// confidence grows with the history. It is the smaller of the history's length and its number of samples, where one
// sample a minute is complete.
func confidence(u *Usage, interval time.Duration) float64 {
	length := float64(u.Last.Sub(u.First)) / float64(interval)
	return math.Min(length, float64(u.Samples)/interval.Minutes())
}

func estimate(h *histogram.Histogram, unit float64, p Percentiles, margin float64, floor int64, confidence float64) Estimate {
	bound := func(percentile, multiplier float64) Bound {
		b := Bound{Percentile: amount(h.Percentile(percentile) * unit), Multiplier: multiplier, Floor: floor}
		b.Margin = scaled(b.Percentile, margin)
		b.Value = b.Percentile + b.Margin
		if multiplier != 1 {
			b.Value = scaled(b.Value, multiplier)
		}
		b.Value = max(b.Value, floor)
		return b
	}
	return Estimate{
		Target:     bound(p.Target, 1),
		Lower:      bound(p.Lower, math.Pow(1+0.001/confidence, -2)),
		Upper:      bound(p.Upper, math.Pow(1+1/confidence, 1)),
		Confidence: confidence,
	}
}
