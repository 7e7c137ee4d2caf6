package plan

import (
	"reflect"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

func TestBackoffDoublesAndIsForgotten(t *testing.T) {
	p := DefaultPolicy()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	var m Memory
	for i, want := range []time.Duration{5, 10, 20, 30, 30} {
		m = m.ScaleUpFailed("g", fleet.Failure{Message: "no capacity"}, p, now)
		if got := m.Backoffs["g"].Duration; got != want*time.Minute {
			t.Errorf("failure %d: backed off for %s, want %s", i+1, got, want*time.Minute)
		}
		now = m.Backoffs["g"].Until
	}
	m = m.ScaleUpFailed("g", fleet.Failure{Message: "no capacity"}, p, now.Add(p.BackoffResetTimeout))
	if got := m.Backoffs["g"].Duration; got != p.InitialBackoff {
		t.Errorf("after the reset: %s, want %s", got, p.InitialBackoff)
	}
	again := m.ScaleUpFailed("g", fleet.Failure{Message: "no capacity"}, p, m.Backoffs["g"].Failed.Add(time.Second))
	if got := again.Backoffs["g"].Duration; got != p.InitialBackoff {
		t.Errorf("seen again while backed off: %s, want %s", got, p.InitialBackoff)
	}
}

func TestMemoryIsAValue(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := Memory{UnneededSince: map[string]time.Time{"n": now}}.clone()
	before := m.clone()
	m.ScaledUp("g", now)
	m.ScaleUpFailed("g", fleet.Failure{Message: "no capacity"}, DefaultPolicy(), now)
	m.Deleted("n", "g", now)
	after := m.DeleteFailed("n", "g", now)
	if !reflect.DeepEqual(m, before) {
		t.Errorf("a method changed the memory it was called on: %+v", m)
	}
	if _, still := after.UnneededSince["n"]; still {
		t.Error("a node whose removal failed must wait anew")
	}
}

// What is done to a group is the last of all groups and of this one, and of no other.
func TestLastOfGroups(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := Memory{}.ScaledUp("a", now).Deleted("m", "a", now.Add(1)).DeleteFailed("n", "a", now.Add(2)).Deleted("o", "b", now.Add(3))
	want := map[string]Last{"a": {ScaleUp: now, Delete: now.Add(1), Failure: now.Add(2)}, "b": {Delete: now.Add(3)}}
	if !reflect.DeepEqual(m.LastOf, want) {
		t.Errorf("got  %+v\nwant %+v", m.LastOf, want)
	}
	if !m.LastScaleUp.Equal(now) || !m.LastDelete.Equal(now.Add(3)) || !m.LastFailure.Equal(now.Add(2)) {
		t.Errorf("of all: %+v", m)
	}
}
