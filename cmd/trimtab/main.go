package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

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

// fail reports err, one line for each problem up to mostProblems, and gives the exit code for wrong input.
func (s stdio) fail(err error) int {
	for _, line := range linesOf(err) {
		fmt.Fprintf(s.err, "trimtab: %s\n", line)
	}
	return exitWrong
}

// linesOf is the text of an error as it is shown.
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

// command is one word after trimtab.
type command struct {
	name, about string
	run         func(ctx context.Context, args []string, s stdio) int
}

// commands lists all of them in the order of the help.
func commands() []command {
	return []command{
		{"run", "run the service", runCommand},
		{"check", "validate configuration, rule files, ScaledObjects and VerticalPodAutoscalers", checkCommand},
		{"explain", "what the running trimtab decided on a metric, a pod, a node or a headroom, and why", explainCommand},
		{"maxpods", "pods that fit on an instance type", func(_ context.Context, args []string, s stdio) int {
			return maxpods(args, s.out, s.err)
		}},
		{"migrate", "print the configuration that does what an installation of another program does", migrateCommand},
		{"replay", "decide again what a running trimtab decided, from its snapshot", replayCommand},
		{"simulate", "what would trimtab decide? offline, from files", simulateCommand},
		{"snapshot", "print what the last plan of a running trimtab was made of, for a report of a fault", snapshotCommand},
		{"version", "print the version", versionCommand},
	}
}

func dispatch(ctx context.Context, args []string, s stdio) int {
	if len(args) == 0 {
		help(s.err)
		return exitUsage
	}
	if asksForHelp(args[0]) {
		if len(args) > 1 && !asksForHelp(args[1]) {
			return dispatch(ctx, append(slices.Clone(args[1:]), "--help"), s)
		}
		help(s.out)
		return exitDone
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], s)
		}
	}
	fmt.Fprintf(s.err, "trimtab: unknown command %q; `trimtab --help` lists them\n", args[0])
	return exitUsage
}

func asksForHelp(word string) bool { return slices.Contains([]string{"help", "--help", "-h"}, word) }

func help(w io.Writer) {
	fmt.Fprint(w, "trimtab scales pods out and in, sizes them, scales the nodes under them, and says why.\n\nUsage:\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  trimtab %-9s %s\n", c.name, c.about)
	}
	fmt.Fprint(w, "\n`trimtab COMMAND --help` shows the flags of a command and an example.\n")
}
