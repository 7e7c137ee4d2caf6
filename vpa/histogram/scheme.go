package histogram

import (
	"math"
	"sort"
)

// Epsilon is the smallest weight with which a bucket counts as not empty.
const Epsilon = 1e-4

// growth is how much wider each bucket is than the one before it.
const growth = 1.05

// Scheme says where buckets begin. Histograms can be merged only when they share one Scheme, so a
// program makes each of its schemes once. It never changes after it was made.
type Scheme struct {
	// starts are the lower edges in base units (cores, bytes), one for each bucket.
	starts []float64
	// smallest is, for each bucket but the first, the smallest whole number of units that falls into it.
	smallest []int64
}

// CPU is the scheme of CPU usage: units are milli-cores, edges are cores, the first bucket ends at
// 10 milli-cores, the last begins above 1000 cores.
func CPU() *Scheme {
	return newScheme(1000, 0.01, func(milli int64) float64 { return float64(milli) / 1000 })
}

// Memory is the scheme of memory usage: units and edges are bytes, the first bucket ends at 10 MB, the
// last begins above 1 TB.
func Memory() *Scheme {
	return newScheme(1e12, 1e7, func(bytes int64) float64 { return float64(bytes) })
}

func newScheme(largest, first float64, base func(units int64) float64) *Scheme {
	n := int(math.Ceil(logGrowth(largest*(growth-1)/first+1))) + 1
	s := &Scheme{starts: make([]float64, n), smallest: make([]int64, n-1)}
	for b := 1; b < n; b++ {
		s.starts[b] = first * (math.Pow(growth, float64(b)) - 1) / (growth - 1)
	}
	bound := int64(1)
	for base(bound) < 2*s.starts[n-1] {
		bound *= 2
	}
	for b := range s.smallest {
		s.smallest[b] = int64(sort.Search(int(bound), func(units int) bool {
			return bucketOf(base(int64(units)), first, n) > b
		}))
	}
	return s
}

// bucketOf is the definition that Bucket is a table of. It never decreases as v grows.
func bucketOf(v, first float64, n int) int {
	if v < first {
		return 0
	}
	return min(int(logGrowth(v*(growth-1)/first+1)), n-1)
}

func logGrowth(x float64) float64 { return math.Log(x) / math.Log(growth) }

// Buckets is the number of buckets.
func (s *Scheme) Buckets() int { return len(s.starts) }

// Start is the lower edge of bucket b in base units (cores, bytes).
func (s *Scheme) Start(b int) float64 { return s.starts[b] }

// Bucket is the bucket into which a value falls; what lies beyond the last falls into the last.
func (s *Scheme) Bucket(units int64) int {
	return sort.Search(len(s.smallest), func(b int) bool { return units < s.smallest[b] })
}
