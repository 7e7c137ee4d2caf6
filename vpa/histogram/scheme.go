package histogram

import (
	"math"
	"sort"
)

// Epsilon is the smallest weight with which a bucket counts as not empty.
const Epsilon = 1e-4

// geometry has the numbers in the formulas of the buckets as variables. So they are float64 at run time, where 1.05-1
// is not 0.05. Constants would be exact and give other last bits.
type geometry struct {
	first float64 // width of the first bucket
	ratio float64 // how much wider each bucket is than the one before it
	count int
}

// Scheme says where buckets begin. Only histograms with the same Scheme can be merged, so a program makes each scheme
// once. It is immutable.
type Scheme struct {
	// starts are the lower edges in base units (cores, bytes), one for each bucket.
	starts []float64
	// smallest is the smallest whole number of units in each bucket, except the first bucket.
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
	g := geometry{first: first, ratio: 1.05}
	n := int(math.Ceil(g.log(largest*(g.ratio-1)/first+1))) + 1
	g.count = n
	s := &Scheme{starts: make([]float64, n), smallest: make([]int64, n-1)}
	for b := 1; b < n; b++ {
		s.starts[b] = first * (math.Pow(g.ratio, float64(b)) - 1) / (g.ratio - 1)
	}
	bound := int64(1)
	for base(bound) < 2*s.starts[n-1] {
		bound *= 2
	}
	for b := range s.smallest {
		s.smallest[b] = int64(sort.Search(int(bound), func(units int) bool {
			return g.bucket(base(int64(units))) > b
		}))
	}
	return s
}

// bucket is the definition of Scheme.Bucket, which uses a table. It never decreases as v grows.
func (g geometry) bucket(v float64) int {
	if v < g.first {
		return 0
	}
	return min(int(g.log(v*(g.ratio-1)/g.first+1)), g.count-1)
}

// log is the logarithm to the base of the ratio.
func (g geometry) log(x float64) float64 { return math.Log(x) / math.Log(g.ratio) }

// Buckets is the number of buckets.
func (s *Scheme) Buckets() int { return len(s.starts) }

// Start is the lower edge of bucket b in base units (cores, bytes).
func (s *Scheme) Start(b int) float64 { return s.starts[b] }

// Bucket is the bucket of a value. A value beyond the last bucket is in the last bucket.
func (s *Scheme) Bucket(units int64) int {
	return sort.Search(len(s.smallest), func(b int) bool { return units < s.smallest[b] })
}
