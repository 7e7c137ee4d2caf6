package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/clusterscaler/offline"
	"github.com/trimtab/trimtab/clusterscaler/record"
	"github.com/trimtab/trimtab/internal/text"
)

func replayCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay FILE", GroupID: groupDecisions,
		Short: "Decide again what a running trimtab decided, from its snapshot",
		Long: `Decides again what a running trimtab's cluster scaler decided, from the file that ` + "`trimtab snapshot`" + ` wrote, and
prints the plan as ` + "`trimtab simulate cluster`" + ` does. It connects to nothing.

The file has what was decided too. Where that is not what is decided now, the differences are on standard error, and the
exit code is 1. A file of another format is refused; one of another version of trimtab is decided as this version does.`,
		Example: `  $ trimtab snapshot > snapshot.jsonl
  $ trimtab replay snapshot.jsonl`,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("name one FILE that `trimtab snapshot` wrote, or - for standard input")
		}
		kept, err := readSnapshot(args[0], s)
		if err != nil {
			return err
		}
		p, _ := kept.Decide()
		result := offline.ResultOf(p, kept.Seen.Now, kept.Counts())
		if *output == "json" {
			err = encodeReadable(s.out, result)
		} else {
			err = writeCluster(s.out, result)
		}
		if err != nil {
			return answered(err)
		}
		return s.tellDifferences("it was decided differently", kept, record.OutcomeOf(p))
	}
	return cmd
}

// readSnapshot reads a snapshot. It warns if another version of trimtab made the decision.
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

// tellDifferences reports where the outcome differs from the recorded one.
func (s stdio) tellDifferences(what string, kept *record.Record, now *record.Outcome) error {
	if kept.Outcome == nil {
		return nil
	}
	different := kept.Outcome.Differences(now)
	for _, line := range different {
		fmt.Fprintf(s.err, "trimtab: %s: %s\n", what, text.Line(line))
	}
	if len(different) > 0 {
		return errReported
	}
	return nil
}
