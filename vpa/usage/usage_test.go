package usage

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/internal/prom"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

type answer struct {
	result prom.Result
	err    error
}

func (a answer) Query(context.Context, string, time.Time) (prom.Result, error) {
	return a.result, a.err
}

func sample(pod string, v float64, at time.Time) *model.Sample {
	return &model.Sample{
		Metric:    model.Metric{"namespace": "shop", "pod": model.LabelValue(pod), "container": "app"},
		Value:     model.SampleValue(v),
		Timestamp: model.TimeFromUnixNano(at.UnixNano()),
	}
}

func TestReadKeepsWhatCanBeAUsage(t *testing.T) {
	noContainer := sample("nameless", 1, noon)
	delete(noContainer.Metric, "container")
	got, err := Read(t.Context(), answer{result: prom.Result{
		Warnings: []string{"one shard is down"},
		Value: model.Vector{
			sample("a", 0.25, noon.Add(-30*time.Second)),
			sample("idle", 0, noon),
			sample("nan", math.NaN(), noon),
			sample("inf", math.Inf(1), noon),
			sample("negative", -1, noon),
			sample("future", 1, noon.Add(time.Hour)),
			noContainer,
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
	if len(got.ByContainer) != len(want) || got.Dropped != 5 || len(got.Warnings) != 1 {
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
	_, err := Read(t.Context(), answer{result: prom.Result{Value: &model.Scalar{Value: 1}}}, "sum(1)", noon)
	if err == nil || !strings.Contains(err.Error(), `query "sum(1)": the answer is a scalar, not an instant vector`) {
		t.Errorf("a scalar gives %v", err)
	}
}
