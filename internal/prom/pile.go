package prom

import "slices"

// pile collects an unknown number of values, and copies each at most once.
type pile[T any] struct {
	full [][]T
	last []T
	n    int
}

func (p *pile[T]) add(v T) {
	if len(p.last) == cap(p.last) {
		if p.last != nil {
			p.full = append(p.full, p.last)
		}
		p.last = make([]T, 0, min(max(2*cap(p.last), 8), 4096))
	}
	p.last = append(p.last, v)
	p.n++
}

// all is what was added, in order.
func (p *pile[T]) all() []T {
	if len(p.full) == 0 {
		return p.last
	}
	return slices.Concat(append(p.full, p.last)...)
}
