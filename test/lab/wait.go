package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

type stopError struct{ error }

func (e stopError) Unwrap() error { return e.error }

// Stop makes an error of a condition final: Poll does not try again.
func Stop(err error) error { return stopError{err} }

// pollLimit is longer than anything in a lab takes.
const pollLimit = 5 * time.Minute

// Poll calls condition until it returns nil, at least every interval. When ctx ends first, the error
// is the condition's last: what was missing, not that time ran out. A ctx without a deadline gives it pollLimit.
func Poll(ctx context.Context, interval time.Duration, condition func(context.Context) error) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, pollLimit)
		defer cancel()
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	began := time.Now()
	for {
		err := condition(ctx)
		var final stopError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &final):
			return final.error
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", time.Since(began).Round(time.Second), err)
		case <-tick.C:
		}
	}
}

func tail(path string, lines int) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return "  | " + strings.Join(all, "\n  | ")
}

// Want is the condition that got is want.
func Want[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("is %v, not yet %v", got, want)
	}
	return nil
}
