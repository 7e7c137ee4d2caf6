package clusterscaler

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A loop keeps the configured headroom, and can tell of it.
func TestLoopKeepsHeadroom(t *testing.T) {
	r := newRig(t)
	c, err := decode("headroom: [{name: web, count: 3, requests: {cpu: 3}}, {name: none, count: 1, requests: {cpu: 1}, nodeSelector: {a: b}}]")
	if err != nil {
		t.Fatal(err)
	}
	r.scaler.policy = c.Policy()
	r.scaler.loop(context.Background())
	if got := strings.Join(r.provider.grown, ", "); got != "a 0+3" {
		t.Errorf("asked of the provider: %s", got)
	}
	for name, want := range map[string]string{
		"web":  "headroom web: TriggeredScaleUp: fit 0, coming 3, of 3, group a",
		"none": "headroom none: NotTriggerScaleUp: fit 0, coming 0, of 1, groups a NodeSelectorMismatch: label a=b; b NodeSelectorMismatch: label a=b",
	} {
		e, at, err := r.scaler.Explain("headroom", name)
		if err != nil || e.String() != want || !at.Equal(startTime()) || name == "none" != (len(e.Groups) == 2) {
			t.Errorf("%v, %v, %v; want %s", e, at, err, want)
		}
	}
	if _, _, err := r.scaler.Explain("headroom", "other"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}
