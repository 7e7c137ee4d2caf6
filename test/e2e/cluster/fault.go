package cluster

import (
	"context"
	"testing"
	"time"
)

// Fault is one that the cluster scaler has to stand, in a world of the package that has the fault.
type Fault[W any] struct {
	name string
	run  func(context.Context, *testing.T, W)
}

// Named is that fault.
func Named[W any](name string, run func(context.Context, *testing.T, W)) Fault[W] {
	return Fault[W]{name, run}
}

// SideBySide runs faults at the same time. Each affects only its own groups.
func SideBySide[W any](t *testing.T, world W, faults ...Fault[W]) {
	t.Run("side by side", func(t *testing.T) {
		for _, f := range faults {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				f.inTime(t, world)
			})
		}
	})
}

// InTurn runs faults that hit all groups, or trimtab or the API server itself, as long as all goes well.
func InTurn[W any](t *testing.T, world W, faults ...Fault[W]) {
	for _, f := range faults {
		if t.Failed() {
			return
		}
		t.Run(f.name, func(t *testing.T) { f.inTime(t, world) })
	}
}

// inTime bounds the time of a fault.
func (f Fault[W]) inTime(t *testing.T, world W) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	f.run(ctx, t, world)
}
