package trigger

import (
	"context"
	"log/slog"
	"time"

	"github.com/trimtab/trimtab/internal/fetch"
)

// Env is what all sources work with.
type Env struct {
	// Timeout bounds a reading whose trigger sets no time-out, including the dial.
	Timeout time.Duration
	// MaxBytes bounds an answer.
	MaxBytes int64
	// MaxReadings bounds the readings of one namespace that run at the same time.
	MaxReadings int
	// Policy says which servers triggers may use; nil allows all.
	Policy *fetch.Policy
	// Log gets the parts of answers that errors do not repeat, at level debug; nil drops them.
	Log *slog.Logger
}

// Debug logs what a source said when a reading of d failed.
func (e Env) Debug(ctx context.Context, d Definition, err error) {
	if e.Log != nil && e.Log.Enabled(ctx, slog.LevelDebug) { // hiding secrets takes time
		e.Log.Debug("a trigger's source failed", "trigger", d.String(), "namespace", d.Namespace, "error", d.Hide(err.Error()))
	}
}
