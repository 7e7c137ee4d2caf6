package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"github.com/trimtab/trimtab/clusterscaler/offline"
	"github.com/trimtab/trimtab/clusterscaler/record"
	"github.com/trimtab/trimtab/internal/text"
)

const replayUsage = `Decides again what a running trimtab's cluster scaler decided, from the file that ` + "`trimtab snapshot`" + ` wrote, and
prints the plan as ` + "`trimtab simulate cluster`" + ` does. It connects to nothing.

The file has what was decided too. Where that is not what is decided now, the differences are on standard error, and the
exit code is 1. A file of another format is refused; one of another version of trimtab is decided as this version does.

Usage: trimtab replay [-o text|json] FILE

  $ trimtab snapshot > snapshot.jsonl
  $ trimtab replay snapshot.jsonl
`

func replayCommand(_ context.Context, args []string, s stdio) int {
	fs := flag.NewFlagSet("replay", flag.ContinueOnError)
	output := outputFlag(fs)
	if code, done := parse(fs, replayUsage, args, s); done {
		return code
	}
	switch {
	case *output != "text" && *output != "json":
		return wrongUsage(fs, s, "-o %q is neither text nor json", *output)
	case fs.NArg() != 1:
		return wrongUsage(fs, s, "name one FILE that `trimtab snapshot` wrote, or - for standard input")
	}
	kept, err := readSnapshot(fs.Arg(0), s)
	if err != nil {
		return s.fail(err)
	}
	p, _ := kept.Decide()
	result := offline.ResultOf(p, kept.Seen.Now, kept.Counts())
	if *output == "json" {
		encoder := json.NewEncoder(s.out)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(result)
	} else {
		err = writeCluster(s.out, result)
	}
	if err != nil {
		return s.fail(fmt.Errorf("write the answer: %w", err))
	}
	return s.tellDifferences("it was decided differently", kept, record.OutcomeOf(p))
}

// readSnapshot reads a snapshot, and warns where another version of trimtab decided.
func readSnapshot(path string, s stdio) (*record.Record, error) {
	name, file, err := openInput(path, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	kept, err := record.Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if kept.Version != currentVersion() {
		fmt.Fprintf(s.err, "trimtab: %s: warning: trimtab %s decided, and this is %s, which may decide differently\n", name, text.Quote(kept.Version), currentVersion())
	}
	return kept, nil
}

// tellDifferences says in what the outcome is not the one that the record has.
func (s stdio) tellDifferences(what string, kept *record.Record, now *record.Outcome) int {
	if kept.Outcome == nil {
		return exitDone
	}
	different := kept.Outcome.Differences(now)
	for _, line := range different {
		fmt.Fprintf(s.err, "trimtab: %s: %s\n", what, text.Line(line))
	}
	if len(different) > 0 {
		return exitWrong
	}
	return exitDone
}
