package histogram

import (
	"math"
	"slices"
	"time"
)

// plain is the definition written down naively: every bucket is kept, every bucket index is a
// logarithm. It exists to be compared with.
type plain struct {
	count       int
	first, r    float64
	halfLife    time.Duration
	reference   time.Time
	weight      []float64
	total       float64
	lowest, top int
}

func newPlain(largest, first float64, halfLife time.Duration) *plain {
	r := 1.05 // a variable: 1.05-1 is to be rounded as float64 does
	n := int(math.Ceil(math.Log(largest*(r-1)/first+1)/math.Log(r))) + 1
	return &plain{count: n, first: first, r: r, halfLife: halfLife, weight: make([]float64, n), lowest: n - 1}
}

func (p *plain) index(v float64) int {
	if v < p.first {
		return 0
	}
	i := int(math.Log(v*(p.r-1)/p.first+1) / math.Log(p.r))
	if i >= p.count {
		i = p.count - 1
	}
	return i
}

func (p *plain) factor(at time.Time) float64 {
	if at.After(p.reference.Add(100 * p.halfLife)) {
		p.move(at)
	}
	return math.Exp2(float64(at.Sub(p.reference)) / float64(p.halfLife))
}

func (p *plain) move(to time.Time) {
	to = to.Round(p.halfLife)
	scale := math.Ldexp(1, int(math.Floor(float64(p.reference.Sub(to))/float64(p.halfLife)+0.5)))
	for i := p.lowest; i <= p.top; i++ {
		p.weight[i] *= scale
	}
	p.total *= scale
	p.narrow()
	p.reference = to
}

func (p *plain) narrow() {
	for p.lowest < p.count-1 && p.weight[p.lowest] < 0.0001 {
		p.lowest++
	}
	for p.top > 0 && p.weight[p.top] < 0.0001 {
		p.top--
	}
}

func (p *plain) add(v, w float64, at time.Time) {
	w *= p.factor(at)
	i := p.index(v)
	p.weight[i] += w
	p.total += w
	if p.weight[i] >= 0.0001 {
		if i < p.lowest {
			p.lowest = i
		}
		if i > p.top {
			p.top = i
		}
	}
}

func (p *plain) subtract(v, w float64, at time.Time) {
	w *= p.factor(at)
	i := p.index(v)
	for _, at := range []*float64{&p.total, &p.weight[i]} {
		if *at -= w; *at < 0.0001 {
			*at = 0
		}
	}
	p.narrow()
}

func (p *plain) clone() *plain {
	c := *p
	c.weight = slices.Clone(p.weight)
	return &c
}

func (p *plain) merge(o *plain) {
	if p.reference.Before(o.reference) {
		p.move(o.reference)
	} else if o.reference.Before(p.reference) {
		o.move(p.reference)
	}
	for i := o.lowest; i <= o.top; i++ {
		p.weight[i] += o.weight[i]
	}
	p.total += o.total
	p.lowest, p.top = min(p.lowest, o.lowest), max(p.top, o.top)
}

func (p *plain) percentile(q float64) float64 {
	if p.weight[p.lowest] < 0.0001 {
		return 0
	}
	sum, i := 0.0, p.lowest
	for ; i < p.top; i++ {
		sum += p.weight[i]
		if sum >= q*p.total {
			break
		}
	}
	if i < p.count-1 {
		i++
	}
	if i == 0 {
		return 0
	}
	return p.first * (math.Pow(p.r, float64(i)) - 1) / (p.r - 1)
}
