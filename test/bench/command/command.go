package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Usage is an error of the arguments.
type Usage struct{ Err error }

func (u Usage) Error() string { return u.Err.Error() }
func (u Usage) Unwrap() error { return u.Err }

// Func is a program: figures go to stdout, progress and complaints to stderr.
type Func func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// Main runs the program until it ends or is interrupted, and gives its exit code: 2 after a Usage, 1 after any other
// error.
func Main(name string, run Func) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return code(ctx, name, run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr)
}

func code(ctx context.Context, name string, err error, stderr io.Writer) int {
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(stderr, "%s: interrupted\n", name)
		return 1
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	if errors.As(err, new(Usage)) {
		return 2
	}
	return 1
}

// Log tells what is being done, and when.
type Log struct {
	Out   io.Writer
	Began time.Time
}

// Say writes a line.
func (l Log) Say(format string, args ...any) {
	fmt.Fprintf(l.Out, "bench +%-5s %s\n", time.Since(l.Began).Round(time.Second), fmt.Sprintf(format, args...))
}

// Sleep waits that long, or until the context ends.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// WriteJSON writes the figures into the file, if one is named.
func WriteJSON(path string, figures any) error {
	if path == "" {
		return nil
	}
	raw, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// MiB is that many bytes.
func MiB[T int64 | float64](bytes T) float64 { return float64(bytes) / (1 << 20) }
