package recommend

import (
	"math"
	"time"

	"github.com/trimtab/trimtab/vpa/histogram"
)

// cpuSampleWeight is the weight of one CPU sample. A memory peak has weight one.
const cpuSampleWeight = 0.1

// maxAmount bounds every number of milli-cores or bytes.
const maxAmount = 1e14

// Aggregation has the settings for adding samples to histograms. It is made once and shared.
type Aggregation struct {
	CPU, Memory                 *histogram.Scheme
	CPUHalfLife, MemoryHalfLife time.Duration
	// Interval is the length of a memory window. A container adds one memory peak for each.
	Interval time.Duration
	// Intervals is the number of windows without samples after which a container is forgotten.
	Intervals int64
	// OOMBumpRatio and OOMMinBump (bytes) say how much the memory of a container is raised after an OOM kill.
	OOMBumpRatio float64
	OOMMinBump   int64
}

// Usage is the usage of all instances of a container together.
type Usage struct {
	CPU, Memory *histogram.Histogram
	// First, Last and Samples are about CPU samples only.
	First, Last time.Time
	Samples     int
}

// NewUsage knows nothing yet.
func (a *Aggregation) NewUsage() *Usage {
	return &Usage{
		CPU:    histogram.New(a.CPU, a.CPUHalfLife),
		Memory: histogram.New(a.Memory, a.MemoryHalfLife),
	}
}

// Expired is true if the last sample is older than all windows together.
func (a *Aggregation) Expired(u *Usage, now time.Time) bool {
	return now.Sub(u.Last) >= a.Interval*time.Duration(a.Intervals)
}

// Instance is one running container of one pod. It has the data that is needed to count its samples once.
type Instance struct {
	LastCPU, LastMemory time.Time
	// WindowEnd is when the current memory window ends; zero before the first sample.
	WindowEnd time.Time
	// Peak and OOMPeak are the largest usage, and the largest need after a kill, that were counted in
	// the current window, in bytes. The larger of them is in the histogram, at WindowEnd.
	Peak, OOMPeak int64
	// LastOOM is the kill that was counted last.
	LastOOM time.Time
}

// AddCPU adds a CPU sample. It returns false for a sample that was added already, or whose value is no usage.
func (in *Instance) AddCPU(u *Usage, milli int64, at time.Time) bool {
	if milli < 0 || !at.After(in.LastCPU) {
		return false
	}
	u.CPU.Add(milli, cpuSampleWeight, at)
	in.LastCPU = at
	if at.After(u.Last) {
		u.Last = at
	}
	if u.First.IsZero() || at.Before(u.First) {
		u.First = at
	}
	u.Samples++
	return true
}

// AddMemory adds a memory sample. The histogram has the peak of each window once, at the window's end. It returns false
// for a sample that is older than an added one, or whose value is no usage.
func (in *Instance) AddMemory(a *Aggregation, u *Usage, bytes int64, at time.Time) bool {
	if bytes < 0 || at.Before(in.LastMemory) {
		return false
	}
	if in.count(a, u, bytes, at) {
		in.Peak = bytes
	}
	return true
}

// AddOOM adds an OOM kill of a container with that memory request, in bytes. It returns the estimated need in bytes.
// counted is false for a kill that is too old to matter.
func (in *Instance) AddOOM(a *Aggregation, u *Usage, request int64, at time.Time) (needed int64, counted bool) {
	if !in.LastMemory.IsZero() && at.Before(in.LastMemory.Add(-a.Interval)) {
		return 0, false
	}
	// OOMPeak is not used here, or each kill would raise the one before.
	used := max(request, in.Peak)
	needed = max(used+a.OOMMinBump, scaled(used, a.OOMBumpRatio))
	if in.count(a, u, needed, at) {
		in.OOMPeak = needed
	}
	in.LastOOM = at
	return needed, true
}

// count adds a memory sample to the window. It returns whether the sample became the window's peak.
func (in *Instance) count(a *Aggregation, u *Usage, bytes int64, at time.Time) bool {
	in.LastMemory = at
	if in.WindowEnd.IsZero() {
		in.WindowEnd = at
	}
	if !at.Before(in.WindowEnd) {
		past := at.Sub(in.WindowEnd).Truncate(a.Interval)
		in.WindowEnd = in.WindowEnd.Add(past + a.Interval)
		in.Peak, in.OOMPeak = 0, 0
		u.Memory.Add(bytes, 1, in.WindowEnd)
		return true
	}
	old := max(in.Peak, in.OOMPeak)
	if bytes <= old {
		return false
	}
	u.Memory.Subtract(old, 1, in.WindowEnd)
	u.Memory.Add(bytes, 1, in.WindowEnd)
	return true
}

// MilliCores converts a CPU usage in cores to whole milli-cores. It rounds up, from whole nano-cores as in
// metrics.k8s.io. ok is false for a value that is no usage: NaN, infinite, negative.
func MilliCores(cores float64) (milli int64, ok bool) {
	if math.IsNaN(cores) || cores < 0 || cores >= maxAmount/1000 {
		return 0, false
	}
	return int64(math.Ceil(math.Round(cores*1e9) / 1e6)), true
}

// WholeBytes converts a memory usage to whole bytes. ok is false for a value that is no usage.
func WholeBytes(bytes float64) (whole int64, ok bool) {
	if math.IsNaN(bytes) || bytes < 0 || bytes >= maxAmount {
		return 0, false
	}
	return int64(math.Ceil(bytes)), true
}

// amount cuts a number off to a whole number between zero and maxAmount.
func amount(v float64) int64 {
	switch {
	case v > maxAmount:
		return maxAmount
	case v > 0:
		return int64(v)
	default: // also NaN, from zero times infinity
		return 0
	}
}

func scaled(v int64, factor float64) int64 { return amount(float64(v) * factor) }
