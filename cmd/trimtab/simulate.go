package main

import (
	"context"
	"flag"
	"strings"
)

const simulateUsage = `Computes offline, from files, what trimtab would decide, by the same code as the service.

Usage: trimtab simulate metrics [flags] FILE
       trimtab simulate cluster [flags] --dump FILE --groups FILE

  $ trimtab simulate metrics web-metrics.yaml     # what HPAs would get from a rule file; ` + "`trimtab simulate metrics --help`" + `
  $ trimtab simulate cluster --dump dump.yaml --groups groups.yaml     # which nodes would come and go, and why
`

// simulations are the words after simulate.
func simulations() []command {
	return []command{
		{"metrics", "what a rule file makes of given series", simulateMetricsCommand},
		{"cluster", "which nodes of a dumped cluster would come and go", simulateClusterCommand},
	}
}

func simulateCommand(ctx context.Context, args []string, s stdio) int {
	var known []string
	for _, c := range simulations() {
		known = append(known, c.name)
		if len(args) > 0 && args[0] == c.name {
			return c.run(ctx, args[1:], s)
		}
	}
	fs := flag.NewFlagSet("simulate", flag.ContinueOnError)
	outputFlag(fs)
	if code, done := parse(fs, simulateUsage, args, s); done {
		return code
	}
	if fs.NArg() == 0 {
		return wrongUsage(fs, s, "name what to simulate: %s", strings.Join(known, ", "))
	}
	return wrongUsage(fs, s, "%.80q is nothing that can be simulated; there is %s", fs.Arg(0), strings.Join(known, ", "))
}
