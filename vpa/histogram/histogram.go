package histogram

import (
	"math"
	"slices"
	"time"
)

// maxDecayExponent bounds the exponent of a sample's weight. Beyond it the reference time is moved.
const maxDecayExponent = 100

// Histogram is a distribution in which a sample counts half as much for each half-life of its age. Old samples are not
// changed: newer ones get a larger weight, relative to a reference time.
type Histogram struct {
	scheme   *Scheme
	halfLife time.Duration
	// reference is the time at which a sample has exactly the weight that it was added with. It is a multiple of
	// halfLife since the zero time, or the zero time before the first sample.
	reference time.Time
	// weights are the weights of the buckets offset, offset+1, …; all other buckets have weight zero.
	weights []float64
	offset  int
	total   float64
	// low and high are the first and last non-empty bucket. If all are empty they are the last and the first bucket of
	// the scheme. Buckets outside may have a weight below Epsilon.
	low, high int
}

// New makes an empty histogram. halfLife must be above zero.
func New(scheme *Scheme, halfLife time.Duration) *Histogram {
	return &Histogram{scheme: scheme, halfLife: halfLife, low: scheme.Buckets() - 1}
}

// Clone is a copy that shares nothing but the scheme.
func (h *Histogram) Clone() *Histogram {
	c := *h
	c.weights = slices.Clone(h.weights)
	return &c
}

// Add adds a value that was observed at a time. weight must not be negative.
func (h *Histogram) Add(units int64, weight float64, at time.Time) {
	weight *= h.decayFactor(at)
	b := h.scheme.Bucket(units)
	w := h.bucket(b)
	*w += weight
	h.total += weight
	if *w >= Epsilon {
		h.low, h.high = min(h.low, b), max(h.high, b)
	}
}

// Subtract removes what Add added with the same arguments.
func (h *Histogram) Subtract(units int64, weight float64, at time.Time) {
	weight *= h.decayFactor(at)
	w := h.bucket(h.scheme.Bucket(units))
	h.total = less(h.total, weight)
	*w = less(*w, weight)
	h.trim()
}

// Merge adds all samples of other, which does not change. Both need the same scheme and half-life.
func (h *Histogram) Merge(other *Histogram) {
	if h.scheme != other.scheme || h.halfLife != other.halfLife {
		panic("histogram: merge of different schemes or half-lives")
	}
	switch {
	case h.reference.Before(other.reference):
		h.shift(other.reference)
	case other.reference.Before(h.reference):
		other = other.Clone()
		other.shift(h.reference)
	}
	for b := other.low; b <= other.high; b++ {
		*h.bucket(b) += other.Weight(b)
	}
	h.total += other.total
	h.low, h.high = min(h.low, other.low), max(h.high, other.high)
}

// Percentile is the upper edge, in base units (cores, bytes), of the first bucket at which the share of the weight
// reaches p (0.9 for the 90th percentile). The last bucket has no upper edge, so its lower edge is returned. An empty
// histogram returns 0: call Empty first.
func (h *Histogram) Percentile(p float64) float64 {
	if h.Empty() {
		return 0
	}
	threshold, sum := p*h.total, 0.0
	b := h.low
	for ; b < h.high; b++ {
		if sum += h.Weight(b); sum >= threshold {
			break
		}
	}
	return h.scheme.Start(min(b+1, h.scheme.Buckets()-1))
}

// Empty is true if no bucket has a weight of Epsilon or more.
func (h *Histogram) Empty() bool { return h.Weight(h.low) < Epsilon }

// Range is the first and last non-empty bucket. first is above last when the histogram is empty.
func (h *Histogram) Range() (first, last int) { return h.low, h.high }

// Total is the sum of all weights, relative to the reference time.
func (h *Histogram) Total() float64 { return h.total }

// Weight is the weight of bucket b, relative to the reference time.
func (h *Histogram) Weight(b int) float64 {
	if i := b - h.offset; i >= 0 && i < len(h.weights) {
		return h.weights[i]
	}
	return 0
}

// Scheme is the scheme of the buckets.
func (h *Histogram) Scheme() *Scheme { return h.scheme }

// bucket returns the place of a bucket's weight. It extends weights if needed.
func (h *Histogram) bucket(b int) *float64 {
	switch end := h.offset + len(h.weights); {
	case len(h.weights) == 0:
		h.offset, h.weights = b, append(h.weights, 0)
	case b < h.offset:
		h.weights = slices.Insert(h.weights, 0, make([]float64, h.offset-b)...)
		h.offset = b
	case b >= end:
		h.weights = append(h.weights, make([]float64, b-end+1)...)
	}
	return &h.weights[b-h.offset]
}

// decayFactor is 2 to the power of the sample's age in half-lives. It moves the reference time when needed.
func (h *Histogram) decayFactor(at time.Time) float64 {
	if at.After(h.reference.Add(maxDecayExponent * h.halfLife)) {
		h.shift(at)
	}
	return math.Exp2(float64(at.Sub(h.reference)) / float64(h.halfLife))
}

// shift moves the reference to the multiple of halfLife nearest to a time, and scales all weights.
func (h *Histogram) shift(to time.Time) {
	to = to.Round(h.halfLife)
	exponent := roundHalfUp(float64(h.reference.Sub(to)) / float64(h.halfLife))
	factor := math.Ldexp(1, int(exponent))
	for b := h.low; b <= h.high; b++ {
		*h.bucket(b) *= factor
	}
	h.total *= factor
	h.trim()
	h.reference = to
}

// trim moves low and high inwards past empty buckets.
func (h *Histogram) trim() {
	for h.low < h.scheme.Buckets()-1 && h.Weight(h.low) < Epsilon {
		h.low++
	}
	for h.high > 0 && h.Weight(h.high) < Epsilon {
		h.high--
	}
}

// less is v-w, or zero once the result is below Epsilon.
func less(v, w float64) float64 {
	if v -= w; v < Epsilon {
		return 0
	}
	return v
}

func roundHalfUp(x float64) float64 { return math.Floor(x + 0.5) }
