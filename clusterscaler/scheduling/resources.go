package scheduling

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Resources are amounts of what a node offers or a pod requests. The zero value is nothing.
type Resources struct {
	MilliCPU         int64 // thousandths of a core
	Memory           int64 // bytes
	EphemeralStorage int64 // bytes
	Pods             int64 // pod slots; a pod requests one
	// Extended holds every other resource (nvidia.com/gpu, hugepages-2Mi) in its own unit, sorted by
	// name, each name once. The slice belongs to the value: methods that change it copy it first.
	Extended []Extended
}

// Extended is an amount of one resource that has no field of its own.
type Extended struct {
	Name   string
	Amount int64
}

// Other is the amount of an extended resource; 0 where there is none.
func (r Resources) Other(name string) int64 {
	for _, e := range r.Extended {
		if e.Name == name {
			return e.Amount
		}
	}
	return 0
}

// Plus is r and n times o.
func (r Resources) Plus(o Resources, n int64) Resources {
	r.MilliCPU += n * o.MilliCPU
	r.Memory += n * o.Memory
	r.EphemeralStorage += n * o.EphemeralStorage
	r.Pods += n * o.Pods
	if len(o.Extended) > 0 {
		r.Extended = slices.Clone(r.Extended)
		for _, e := range o.Extended {
			r.addExtended(e.Name, n*e.Amount)
		}
	}
	return r
}

// addExtended changes the slice in place; the caller owns it.
func (r *Resources) addExtended(name string, amount int64) {
	i, found := slices.BinarySearchFunc(r.Extended, name, func(e Extended, name string) int { return strings.Compare(e.Name, name) })
	if found {
		r.Extended[i].Amount += amount
		return
	}
	r.Extended = slices.Insert(r.Extended, i, Extended{name, amount})
}

// unlimited is how many pods fit where nothing limits them.
const unlimited = math.MaxInt64

// copies is how many times the request fits into r. As in the scheduler, a resource that is not requested does not matter,
// even where less than nothing of it is free.
func (r Resources) copies(request Resources) int64 {
	n := times(r.MilliCPU, request.MilliCPU)
	n = min(n, times(r.Memory, request.Memory))
	n = min(n, times(r.EphemeralStorage, request.EphemeralStorage))
	n = min(n, times(r.Pods, request.Pods))
	for _, e := range request.Extended {
		n = min(n, times(r.Other(e.Name), e.Amount))
	}
	return n
}

func times(free, request int64) int64 {
	switch {
	case request <= 0:
		return unlimited
	case free <= 0:
		return 0
	default:
		return free / request
	}
}

// key is equal for equal amounts; it is part of the key of a Spec.
func (r Resources) key(b *strings.Builder) {
	fmt.Fprintf(b, "%d,%d,%d,%d", r.MilliCPU, r.Memory, r.EphemeralStorage, r.Pods)
	for _, e := range r.Extended {
		fmt.Fprintf(b, ",%q=%d", e.Name, e.Amount)
	}
}
