package story

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// summary collects what the steps measured.
type summary struct {
	setUp time.Duration
	rows  []row
}

type row struct {
	what string
	took time.Duration
	why  string
}

func (s *summary) add(what string, took time.Duration, why string, args ...any) {
	s.rows = append(s.rows, row{what, took, fmt.Sprintf(why, args...)})
}

// Summary prints what scaled when and why, how long each thing took, and what trimtab cost.
func (s *Story) Summary(w io.Writer) {
	fmt.Fprint(w, "\n== summary\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "STEP\tTOOK\tWHY")
	for _, r := range s.summary.rows {
		fmt.Fprintf(tw, "%s\t%.1fs\t%s\n", r.what, r.took.Seconds(), r.why)
	}
	_ = tw.Flush()
	if memory, err := s.Trimtab.Process.MemoryBytes(); err == nil {
		fmt.Fprintf(w, "trimtab uses %d MiB of memory", memory>>20)
	}
	if info, err := os.Stat(s.Trimtab.Binary()); err == nil {
		fmt.Fprintf(w, "; its binary has %d MiB", info.Size()>>20)
	}
	fmt.Fprintf(w, ". Set-up took %.0fs, the story %.0fs.\n", s.summary.setUp.Seconds(), (time.Since(s.began) - s.summary.setUp).Seconds())
}
