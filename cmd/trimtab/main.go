package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/internal/text"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := dispatch(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

const (
	exitDone  = 0
	exitWrong = 1
	exitUsage = 2
)

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// errReported ends a command with exit 1 after everything was reported.
var errReported = errors.New("reported")

// usageError is a mistake on the command line.
type usageError struct{ error }

func wrongUsage(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// dispatch runs one command line, reports the error, and returns the exit code.
func dispatch(ctx context.Context, args []string, s stdio) int {
	// An error before the command runs is wrong usage, found by cobra.
	ran := false
	out := &watchedWriter{Writer: s.out}
	s.out = out
	root := newRoot(s, &ran)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		plainUsage(root)
	}
	args = withTwoDashes(root, args, s)
	root.SetArgs(args)
	cmd, err := misnamed(root, args)
	if err == nil {
		cmd, err = root.ExecuteContextC(ctx)
	}
	// Commands may leave out the error of a write, and cobra does for help. Its error of --version is not wrong usage.
	if out.failed() && (err == nil || errors.Is(err, errReported) || errors.Is(err, out.err) && !ran) {
		err, ran = answered(out.err), true
	}
	_, misused := errors.AsType[usageError](err)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errReported):
		return exitWrong
	case misused || !ran:
		message := strings.ReplaceAll(err.Error(), "\n", "; ")
		if !strings.HasSuffix(message, "?") {
			message += ";"
		}
		fmt.Fprintf(s.err, "%s: %s `%[1]s --help` shows how\n", cmd.CommandPath(), text.Line(message))
		return exitUsage
	}
	s.report(err)
	return exitWrong
}

// watchedWriter remembers the first error of a write.
type watchedWriter struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (w *watchedWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// failed says whether the answer is incomplete. A reader that stopped, such as head, has what it wants.
func (w *watchedWriter) failed() bool { return w.err != nil && !errors.Is(w.err, syscall.EPIPE) }

// report prints one line for each problem, up to mostProblems.
func (s stdio) report(err error) {
	for _, line := range linesOf(err) {
		fmt.Fprintf(s.err, "trimtab: %s\n", line)
	}
}

// linesOf returns the lines of an error's text.
func linesOf(err error) []string {
	lines := strings.Split(strings.TrimRight(err.Error(), "\n"), "\n")
	if more := len(lines) - mostProblems; more > 0 {
		lines = append(lines[:mostProblems], fmt.Sprintf("and %d more problems; mend these first", more))
	}
	for i := range lines {
		lines[i] = text.Line(lines[i])
	}
	return lines
}
