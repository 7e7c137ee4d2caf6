package histogram

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

var epoch = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func TestSchemesHaveTheDocumentedShape(t *testing.T) {
	cpu, memory := CPU(), Memory()
	if cpu.Buckets() != 176 || memory.Buckets() != 176 {
		t.Errorf("%d CPU and %d memory buckets, want 176", cpu.Buckets(), memory.Buckets())
	}
	for _, c := range []struct {
		scheme *Scheme
		units  int64
		bucket int
	}{
		{cpu, -1, 0}, {cpu, 0, 0}, {cpu, 9, 0}, {cpu, 10, 1}, {cpu, 20, 1}, {cpu, 21, 2}, {cpu, 1000, 36},
		{cpu, 1_000_000, 174}, {cpu, math.MaxInt64, 175},
		{memory, 0, 0}, {memory, 9_999_999, 0}, {memory, 10_000_000, 1}, {memory, 1 << 30, 37},
		{memory, 1e12, 174}, {memory, math.MaxInt64, 175},
	} {
		if got := c.scheme.Bucket(c.units); got != c.bucket {
			t.Errorf("%d units fall into bucket %d, want %d", c.units, got, c.bucket)
		}
	}
	// To the last bit, as float64 sums give it: 0.068019128125 would be exact and wrong.
	if got := cpu.Start(6); got != 0.06801912812499994 {
		t.Errorf("bucket 6 begins at %v cores, want 0.06801912812499994", got)
	}
}

// The table of whole units must agree with the logarithm everywhere: all milli-cores, and the bytes
// around every edge.
func TestBucketEqualsTheLogarithm(t *testing.T) {
	cpu, slow := CPU(), newPlain(1000, 0.01, time.Hour)
	for milli := range int64(1_100_000) {
		if got, want := cpu.Bucket(milli), slow.index(float64(milli)/1000); got != want {
			t.Fatalf("%dm falls into bucket %d, want %d", milli, got, want)
		}
	}
	memory, slow := Memory(), newPlain(1e12, 1e7, time.Hour)
	check := func(bytes int64) {
		if got, want := memory.Bucket(bytes), slow.index(float64(bytes)); got != want {
			t.Fatalf("%d bytes fall into bucket %d, want %d", bytes, got, want)
		}
	}
	for b := range memory.Buckets() {
		for off := int64(-300); off <= 300; off++ {
			check(int64(memory.Start(b)) + off)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		check(random.Int64N(2e12))
	}
}

// equal compares to the last bit.
func equal(t *testing.T, what string, h *Histogram, p *plain) {
	t.Helper()
	first, last := h.Range()
	if first != p.lowest || last != p.top || !h.reference.Equal(p.reference) || h.Total() != p.total {
		t.Fatalf("%s: buckets %d..%d since %v, total %v; want %d..%d since %v, total %v",
			what, first, last, h.reference, h.Total(), p.lowest, p.top, p.reference, p.total)
	}
	for b := range p.weight {
		if h.Weight(b) != p.weight[b] {
			t.Fatalf("%s: bucket %d weighs %v, want %v", what, b, h.Weight(b), p.weight[b])
		}
	}
	for _, q := range []float64{-1, 0, 0.3, 0.5, 0.9, 0.95, 1, 2} {
		if h.Percentile(q) != p.percentile(q) {
			t.Fatalf("%s: percentile %v is %v, want %v", what, q, h.Percentile(q), p.percentile(q))
		}
	}
}

func TestEqualsThePlainHistogramToTheLastBit(t *testing.T) {
	scheme := Memory()
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 7))
		halfLife := time.Duration(1+random.IntN(48)) * time.Hour
		pairs := [2]struct {
			h *Histogram
			p *plain
		}{}
		for i := range pairs {
			pairs[i].h, pairs[i].p = New(scheme, halfLife), newPlain(1e12, 1e7, halfLife)
		}
		at := epoch
		type sample struct {
			units  int64
			weight float64
			at     time.Time
		}
		var added []sample
		for step := range 300 {
			pair := &pairs[0]
			switch n := random.IntN(100); {
			case n < 5 && len(added) > 0:
				s := added[random.IntN(len(added))]
				pair.h.Subtract(s.units, s.weight, s.at)
				pair.p.subtract(float64(s.units), s.weight, s.at)
			case n < 7:
				at = at.Add(time.Duration(random.Int64N(int64(90 * halfLife)))) // far enough to move the reference now and then
			case n < 9:
				pair.h.Merge(pairs[1].h)
				pair.p.merge(pairs[1].p.clone())
			default:
				if n < 20 {
					pair = &pairs[1]
				}
				s := sample{int64(math.Exp(random.Float64() * 28)), []float64{0.1, 1, 0.0001, 1e-9}[random.IntN(4)], at}
				pair.h.Add(s.units, s.weight, s.at)
				pair.p.add(float64(s.units), s.weight, s.at)
				if pair == &pairs[0] {
					added = append(added, s)
				}
				at = at.Add(time.Duration(random.Int64N(int64(halfLife))))
			}
			equal(t, fmt.Sprintf("seed %d step %d", seed, step), pairs[0].h, pairs[0].p)
		}
	}
}

// An hour-long story in numbers: what ten minutes at 100 m and one at 900 m give.
func TestPercentileIsTheUpperEdge(t *testing.T) {
	h := New(CPU(), 24*time.Hour)
	if !h.Empty() || h.Percentile(0.9) != 0 {
		t.Fatal("a new histogram is not empty")
	}
	for i := range 10 {
		h.Add(100, 0.1, epoch.Add(time.Duration(i)*time.Minute))
	}
	h.Add(900, 0.1, epoch.Add(10*time.Minute))
	for _, c := range []struct {
		p    float64
		want string
	}{{0, "0.1103"}, {0.5, "0.1103"}, {0.9, "0.1103"}, {0.95, "0.9032"}, {1, "0.9032"}} {
		if got := h.Percentile(c.p); math.Abs(got-mustFloat(t, c.want)) > 5e-5 {
			t.Errorf("percentile %v is %.4f, want %s", c.p, got, c.want)
		}
	}
}

func TestOldSamplesLoseHalfTheirWeightEachHalfLife(t *testing.T) {
	h := New(CPU(), time.Hour)
	h.Add(100, 1, epoch)
	h.Add(500, 1, epoch.Add(2*time.Hour))
	if ratio := h.Weight(h.scheme.Bucket(500)) / h.Weight(h.scheme.Bucket(100)); math.Abs(ratio-4) > 1e-12 {
		t.Errorf("two half-lives later a sample weighs %v times as much, want 4", ratio)
	}
	h.Add(900, 1, epoch.Add(300*time.Hour))
	if got := h.Percentile(0); got < 0.9 {
		t.Errorf("what is 300 half-lives old still counts: the minimum is %v", got)
	}
}

func TestMergeLeavesTheOtherAlone(t *testing.T) {
	scheme := CPU()
	a, b := New(scheme, time.Hour), New(scheme, time.Hour)
	a.Add(100, 1, epoch.Add(500*time.Hour))
	b.Add(700, 1, epoch)
	before := *b.Clone()
	a.Merge(b)
	if !b.reference.Equal(before.reference) || b.Total() != before.total {
		t.Error("Merge changed its argument")
	}
	defer func() {
		if recover() == nil {
			t.Error("histograms of different half-lives merge")
		}
	}()
	a.Merge(New(scheme, 2*time.Hour))
}

func BenchmarkAdd(b *testing.B) {
	h := New(CPU(), 24*time.Hour)
	b.ReportAllocs()
	for i := range b.N {
		h.Add(int64(100+i%400), 0.1, epoch.Add(time.Duration(i)*time.Second))
	}
}

func BenchmarkBucket(b *testing.B) {
	s := Memory()
	for i := range b.N {
		s.Bucket(int64(i) * 4099)
	}
}

func BenchmarkPercentile(b *testing.B) {
	h := New(CPU(), 24*time.Hour)
	for i := range int64(2000) {
		h.Add(i, 0.1, epoch)
	}
	for range b.N {
		h.Percentile(0.9)
	}
}

func BenchmarkMerge(b *testing.B) {
	scheme := CPU()
	h, other := New(scheme, 24*time.Hour), New(scheme, 24*time.Hour)
	for i := range int64(2000) {
		other.Add(i, 1e-6, epoch)
	}
	b.ReportAllocs()
	for range b.N {
		h.Merge(other)
	}
}
