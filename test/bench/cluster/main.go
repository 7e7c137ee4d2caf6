package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options say how large the cluster is, and for how long it is watched.
type options struct {
	nodes, pods int
	// objects is the number of VPAs, of ScaledObjects, and of HPAs.
	objects int
	// time is for how long calls, loops and CPU are counted after the start has settled.
	time time.Duration
	json string
	// profiles is a folder for profiles of the heap and the CPU.
	profiles string
	// binaries are measured one after another.
	binaries []string
	hold     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "cluster: %v\n", err)
		return 2
	}
	err = run(ctx, o, stdout, stderr)
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "cluster: interrupted")
		return 1
	}
	if err != nil {
		fmt.Fprintf(stderr, "cluster: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("cluster", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&o.nodes, "nodes", 1000, "how many nodes there are")
	fs.IntVar(&o.pods, "pods", 30_000, "how many pods there are")
	fs.IntVar(&o.objects, "objects", 0, "how many VPAs, ScaledObjects and HPAs there are, of each; 0 is one for 100 pods")
	fs.DurationVar(&o.time, "time", 3*time.Minute, "for how long the cluster at rest is watched")
	fs.StringVar(&o.json, "json", "", "`file` for the figures as JSON")
	fs.StringVar(&o.profiles, "profiles", "", "`folder` for profiles of the heap and the CPU")
	binaries := fs.String("trimtab", "", "measure these `files`, separated by commas, instead of what this checkout builds")
	fs.BoolVar(&o.hold, "hold", false, "keep the cluster after the figures until it is interrupted")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.binaries = strings.Split(*binaries, ",")
	if o.objects == 0 {
		o.objects = o.pods / 100
	}
	switch {
	case fs.NArg() > 0:
		return o, fmt.Errorf("no argument is taken, and there is %q", fs.Arg(0))
	case o.nodes < 1 || o.pods < 1 || o.objects < 1 || o.time < time.Second:
		return o, errors.New("-nodes, -pods and -objects must be above zero, -time at least 1s")
	case 3*o.objects > o.deployments():
		return o, fmt.Errorf("-objects=%d of three kinds need as many Deployments, and %d pods have %d", o.objects, o.pods, o.deployments())
	case o.pods > podsPerNode*o.nodes:
		return o, fmt.Errorf("-pods=%d are more than %d on each of %d nodes", o.pods, podsPerNode, o.nodes)
	}
	return o, nil
}
