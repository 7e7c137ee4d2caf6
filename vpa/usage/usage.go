package usage

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/trimtab/trimtab/internal/prom"
)

// tolerance is how far a reading's timestamp may be ahead of the local clock.
const tolerance = time.Minute

// Querier is the part of prom.Client that is used.
type Querier interface {
	QueryVector(ctx context.Context, promql string, at time.Time) (prom.Vector, error)
}

// Container names one container of one pod.
type Container struct{ Namespace, Pod, Name string }

// Reading is a usage at a time: cores or bytes.
type Reading struct {
	Value float64
	At    time.Time
}

// Readings are the answer to one query.
type Readings struct {
	ByContainer map[Container]Reading
	// Dropped counts the series of the answer that are no usage of a container.
	Dropped int
	// Warnings are the server's warnings, such as of an incomplete answer.
	Warnings []string
}

// Read reads the usage of all containers. The answer must be an instant vector with the labels namespace, pod and
// container. Of two series with the same labels the larger value counts.
func Read(ctx context.Context, q Querier, promql string, now time.Time) (Readings, error) {
	result, err := q.QueryVector(ctx, promql, now)
	if err != nil {
		return Readings{}, err
	}
	if result.Scalar {
		return Readings{}, fmt.Errorf("query %q: the answer is a scalar, not an instant vector", promql)
	}
	out := Readings{ByContainer: make(map[Container]Reading, len(result.Rows)), Warnings: result.Warnings}
	for _, row := range result.Rows {
		c := Container{Namespace: row.Label("namespace"), Pod: row.Label("pod"), Name: row.Label("container")}
		v, at := row.Value, time.UnixMilli(row.TimestampMillis).UTC()
		if c.Namespace == "" || c.Pod == "" || c.Name == "" || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || at.After(now.Add(tolerance)) {
			out.Dropped++
			continue
		}
		if old, twice := out.ByContainer[c]; !twice || v > old.Value {
			out.ByContainer[c] = Reading{Value: v, At: at}
		}
	}
	return out, nil
}
