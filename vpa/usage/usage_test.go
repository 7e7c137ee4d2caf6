package usage

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/prom"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

type answer struct {
	result prom.Vector
	err    error
}

func (a answer) QueryVector(context.Context, string, time.Time) (prom.Vector, error) {
	return a.result, a.err
}

func sample(pod string, v float64, at time.Time) prom.Row {
	return prom.Row{
		Labels: []prom.Label{{Name: "container", Value: "app"}, {Name: "namespace", Value: "shop"}, {Name: "pod", Value: pod}},
		Value:  v, TimestampMillis: at.UnixMilli(),
	}
}

func TestReadKeepsWhatCanBeAUsage(t *testing.T) {
	noContainer := sample("nameless", 1, noon)
	noContainer.Labels = noContainer.Labels[1:]
	histogram := sample("histogram", math.NaN(), noon)
	histogram.Histogram = true
	got, err := Read(t.Context(), answer{result: prom.Vector{
		Warnings: []string{"one shard is down"},
		Rows: []prom.Row{
			sample("a", 0.25, noon.Add(-30*time.Second)),
			sample("idle", 0, noon),
			sample("nan", math.NaN(), noon),
			sample("inf", math.Inf(1), noon),
			sample("negative", -1, noon),
			sample("future", 1, noon.Add(time.Hour)),
			noContainer, histogram,
			sample("twice", 2, noon),
			sample("twice", 3, noon),
			sample("twice", 1, noon),
		},
	}}, "q", noon)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Reading{
		"a": {0.25, noon.Add(-30 * time.Second)}, "idle": {0, noon}, "twice": {3, noon},
	}
	if len(got.ByContainer) != len(want) || got.Dropped != 6 || len(got.Warnings) != 1 {
		t.Errorf("read %+v", got)
	}
	for pod, w := range want {
		if r, ok := got.ByContainer[Container{"shop", pod, "app"}]; !ok || r.Value != w.Value || !r.At.Equal(w.At) {
			t.Errorf("pod %s: %+v, want %+v", pod, r, w)
		}
	}
}

func TestReadFailsAsAWhole(t *testing.T) {
	down := &prom.Error{Kind: prom.Unavailable, Err: errors.New("connection refused")}
	if _, err := Read(t.Context(), answer{err: down}, "q", noon); !errors.Is(err, down) {
		t.Errorf("an unreachable server gives %v", err)
	}
	_, err := Read(t.Context(), answer{result: prom.Vector{Scalar: true, Rows: []prom.Row{{Value: 1}}}}, "sum(1)", noon)
	if err == nil || !strings.Contains(err.Error(), `query "sum(1)": the answer is a scalar, not an instant vector`) {
		t.Errorf("a scalar gives %v", err)
	}
}
