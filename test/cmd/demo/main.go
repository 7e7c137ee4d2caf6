// Command demo shows trimtab at work on a real control plane of this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/trimtab/trimtab/test/story"
)

func main() {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError) // its own: libraries add to the common one
	once := flags.Bool("once", false, "end when all has been shown, with exit 0, or 1 when a step failed")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "usage: make demo [ARGS=--once]\n\n")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, *once)
	stop()
	switch {
	case errors.Is(err, context.Canceled):
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, once bool) error {
	s, err := story.Start(ctx, os.Stdout)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer s.Stop()
	for _, step := range s.Steps() {
		if err := s.Run(ctx, step); err != nil {
			if ctx.Err() == nil {
				s.Lab.Keep()
				fmt.Fprintln(os.Stderr, s.Lab.State())
			}
			return interrupted(ctx, fmt.Errorf("%s: %w", step.Title, err))
		}
	}
	s.Summary(os.Stdout)
	if once {
		return nil
	}
	fmt.Printf("\nThe cluster goes on. Look around, in another terminal:\n\n  export KUBECONFIG=%s\n  kubectl get hpa,so,vpa,nodes -A\n  curl %s/debug/decisions\n\nInterrupt (Ctrl-C) to end it.\n",
		s.Lab.Kubeconfig, s.Trimtab.Debug)
	select {
	case <-ctx.Done():
		return nil
	case <-s.Trimtab.Process.Done():
		return fmt.Errorf("trimtab ended: %w\n%s", s.Trimtab.Process.Err(), s.Trimtab.Process.Tail(20))
	}
}

// interrupted hides the errors that follow from an interrupt.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
