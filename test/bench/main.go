package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/trimtab/trimtab/test/bench/command"
)

// options say what is measured, and for how long.
type options struct {
	adapters []string
	// time is that of each measurement with callers that wait for their answers.
	time time.Duration
	// cycles of 15 s are measured without and with a slow Prometheus.
	cycles int
	// objects is the number of pods and of HPAs; pods are the numbers of pods that there are series of.
	objects int
	pods    []int
	// series is how many series stand behind the rule whose memory is measured; 0 leaves that out.
	series int
	json   string
	// floor, if it is not empty, makes the process an empty handler that speaks this protocol on the port.
	floor, port string
}

func main() { os.Exit(command.Main("bench", run)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return command.Usage{Err: err}
	}
	if o.floor != "" {
		return serveFloor(o.port, o.floor)
	}
	r, err := measure(ctx, o, stderr)
	if err != nil {
		return err
	}
	if err := command.WriteJSON(o.json, r); err != nil {
		return err
	}
	r.print(stdout)
	return nil
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{pods: []int{1000, 10000}}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	adapter := fs.String("adapter", "both", "what is measured: trimtab, prometheus-adapter or both")
	fs.DurationVar(&o.time, "time", 10*time.Second, "how long each kind of request is measured")
	fs.IntVar(&o.cycles, "cycles", 3, "how many sync cycles of 15s are measured")
	fs.IntVar(&o.series, "series", 1_000_000, "series behind a rule whose memory is measured; 0 leaves that out")
	fs.IntVar(&o.objects, "objects", 1000, "how many pods and HPAs there are")
	fs.StringVar(&o.json, "json", "", "`file` for the figures as JSON")
	fs.StringVar(&o.floor, "floor", "", "be the empty handler that the bench compares with, and speak this `protocol`: HTTP/2 or HTTP/1.1")
	fs.StringVar(&o.port, "port", "0", "the `port` of the empty handler")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	known := []string{"prometheus-adapter", "trimtab"}
	switch {
	case *adapter == "both":
		o.adapters = known
	case slices.Contains(known, *adapter):
		o.adapters = []string{*adapter}
	default:
		return o, fmt.Errorf("--adapter=%s is none of trimtab, prometheus-adapter, both", *adapter)
	}
	if o.floor != "" && !slices.Contains(floors(), o.floor) {
		return o, fmt.Errorf("--floor=%s is none of %v", o.floor, floors())
	}
	if fs.NArg() > 0 || o.time <= 0 || o.cycles < 1 || o.objects < 10 || o.series < 0 {
		return o, errors.New("--time must be above zero, --cycles at least 1, --objects at least 10, --series not negative, and no other arguments are taken")
	}
	o.pods[0] = o.objects
	o.pods[1] = 10 * o.objects
	return o, nil
}
