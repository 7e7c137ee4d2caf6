package recommend

import (
	"math"
	"time"

	"github.com/trimtab/trimtab/vpa/histogram"
)

// cpuSampleWeight is what one CPU sample weighs; a memory peak weighs one.
const cpuSampleWeight = 0.1

// maxAmount bounds every number of milli-cores or bytes.
const maxAmount = 1e14

// Aggregation says how samples become histograms. It is made once and shared.
type Aggregation struct {
	CPU, Memory                 *histogram.Scheme
	CPUHalfLife, MemoryHalfLife time.Duration
	// Interval is the time in which a container counts with one memory peak.
	Interval time.Duration
	// Intervals is after how many of them a container without samples is forgotten.
	Intervals int64
	// OOMBumpRatio and OOMMinBump (bytes) say how far a container that was killed for its memory is raised.
	OOMBumpRatio float64
	OOMMinBump   int64
}

// Usage is what is known of all instances of a container together.
type Usage struct {
	CPU, Memory *histogram.Histogram
	// First, Last and Samples tell of CPU samples only.
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

// Expired says that the last sample is older than all intervals together.
func (a *Aggregation) Expired(u *Usage, now time.Time) bool {
	return now.Sub(u.Last) >= a.Interval*time.Duration(a.Intervals)
}

// Instance is one running container of one pod: what is needed to count its samples once.
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

// AddCPU counts a CPU sample. It returns false for a sample that was counted already or is no usage.
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

// AddMemory counts a memory sample: the peak of its window is in the histogram once, at the window's
// end. It returns false for a sample that is older than one counted already or is no usage.
func (in *Instance) AddMemory(a *Aggregation, u *Usage, bytes int64, at time.Time) bool {
	if bytes < 0 || at.Before(in.LastMemory) {
		return false
	}
	if in.count(a, u, bytes, at) {
		in.Peak = bytes
	}
	return true
}

// AddOOM counts a kill for memory at a time when the container requested so many bytes, and returns
// the bytes that it is believed to need. It returns false for a kill that is too old to matter.
func (in *Instance) AddOOM(a *Aggregation, u *Usage, request int64, at time.Time) (needed int64, counted bool) {
	if !in.LastMemory.IsZero() && at.Before(in.LastMemory.Add(-a.Interval)) {
		return 0, false
	}
	// OOMPeak is left out, or each kill would raise the one before.
	used := max(request, in.Peak)
	needed = max(used+a.OOMMinBump, scaled(used, a.OOMBumpRatio))
	if in.count(a, u, needed, at) {
		in.OOMPeak = needed
	}
	in.LastOOM = at
	return needed, true
}

// count takes a memory sample into the window; it returns whether it became the window's peak.
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

// MilliCores is a CPU usage in cores as samples count it: whole milli-cores, rounded up from whole
// nano-cores, as metrics.k8s.io reports them. ok is false for what is no usage: NaN, infinite, negative.
func MilliCores(cores float64) (milli int64, ok bool) {
	if math.IsNaN(cores) || cores < 0 || cores >= maxAmount/1000 {
		return 0, false
	}
	return int64(math.Ceil(math.Round(cores*1e9) / 1e6)), true
}

// WholeBytes is a memory usage as samples count it. ok is false for what is no usage.
func WholeBytes(bytes float64) (whole int64, ok bool) {
	if math.IsNaN(bytes) || bytes < 0 || bytes >= maxAmount {
		return 0, false
	}
	return int64(math.Ceil(bytes)), true
}

// amount is a number as recommendations count it: cut off to a whole one, between zero and maxAmount.
func amount(v float64) int64 {
	switch {
	case v > maxAmount:
		return maxAmount
	case v > 0:
		return int64(v)
	default: // NaN, of zero times infinity, too
		return 0
	}
}

func scaled(v int64, factor float64) int64 { return amount(float64(v) * factor) }
