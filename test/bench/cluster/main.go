package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/trimtab/trimtab/test/bench/command"
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
	// peers measures after trimtab the programs that it takes the place of.
	peers bool
	hold  bool
}

func main() { os.Exit(command.Main("cluster", run)) }

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
	fs.BoolVar(&o.peers, "peers", false, "then measure prometheus-adapter, KEDA and VPA in the same cluster; the first time they are built")
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
