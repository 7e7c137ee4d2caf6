package histogram

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// maxCheckpointWeight is the weight of the heaviest bucket in a checkpoint.
const maxCheckpointWeight = 10000

// Checkpoint is a histogram as version v3 of VerticalPodAutoscalerCheckpoint stores it.
type Checkpoint struct {
	Reference time.Time
	// Weights are the weights of the buckets that do not round to zero. The heaviest is 10000.
	Weights map[int]uint32
	// Total is the real sum of the weights.
	Total float64
}

// Save rounds the histogram into a checkpoint.
func (h *Histogram) Save() Checkpoint {
	c := Checkpoint{Reference: h.reference, Weights: map[int]uint32{}, Total: h.total}
	heaviest := 0.0
	for b := h.low; b <= h.high; b++ {
		heaviest = max(heaviest, h.Weight(b))
	}
	ratio := maxCheckpointWeight / heaviest
	for b := h.low; b <= h.high; b++ {
		if w := uint32(roundHalfUp(h.Weight(b) * ratio)); w > 0 {
			c.Weights[b] = w
		}
	}
	return c
}

// Every error of Load wraps ErrDamaged.
var ErrDamaged = errors.New("damaged histogram checkpoint")

// Load restores the histogram of a checkpoint, except for its rounding.
func Load(c Checkpoint, scheme *Scheme, halfLife time.Duration) (*Histogram, error) {
	if c.Total < 0 || math.IsNaN(c.Total) || math.IsInf(c.Total, 0) {
		return nil, fmt.Errorf("%w: totalWeight is %v", ErrDamaged, c.Total)
	}
	sum := int64(0)
	for b, w := range c.Weights {
		if b < 0 || b >= scheme.Buckets() {
			return nil, fmt.Errorf("%w: bucketWeights has bucket %d; buckets are 0 to %d", ErrDamaged, b, scheme.Buckets()-1)
		}
		sum += int64(w)
	}
	h := New(scheme, halfLife)
	h.reference = c.Reference
	if sum == 0 {
		return h, nil
	}
	ratio := c.Total / float64(sum)
	for b, w := range c.Weights {
		h.low, h.high = min(h.low, b), max(h.high, b)
		*h.bucket(b) += float64(w) * ratio
	}
	h.total = c.Total
	h.trim()
	return h, nil
}
