package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/clusterscaler/record"
)

func snapshotCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "snapshot [--anonymize [FILE]]", GroupID: groupDecisions,
		Short: "Print what the last plan of a running trimtab was made of, for a report of a fault",
		Long: `Prints all that the last plan of the running trimtab's cluster scaler was made of: nodes, pods and what else it read, the
groups as their provider described them, its memory, its settings, and the plan. ` + "`trimtab replay`" + ` decides it again, on
any machine. It has no environment, no command, no message, and nothing of Secrets. The leader is found as
` + "`trimtab explain`" + ` finds it.

--anonymize gives nodes, pods, namespaces, groups and all else that has a name another one, and replaces UIDs, the values of
labels, taints and annotations, and the cluster's own keys of labels and taints, so that the same is decided; with FILE it
does so with a snapshot that is there already. Kept are the keys of Kubernetes and of clouds, the names of resources and
drivers, numbers, times, and the labels for architecture and instance type.`,
		Example: `  $ trimtab snapshot --anonymize --gzip > report.jsonl.gz
  $ trimtab snapshot --anonymize snapshot.jsonl > report.jsonl
  $ trimtab replay report.jsonl.gz`,
	}
	var asked running
	asked.define(cmd)
	anonymize := cmd.Flags().Bool("anonymize", false, "replace names, and the values of labels, taints and annotations")
	compress := cmd.Flags().Bool("gzip", false, "compress what is printed")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if len(args) > 1 || len(args) == 1 && !*anonymize {
			return wrongUsage("one FILE goes with --anonymize; without it the running trimtab is asked")
		}
		ctx, cancel := context.WithCancelCause(cmd.Context())
		defer cancel(nil)
		silent := time.AfterFunc(askTimeout, func() { cancel(errSilent) })
		defer silent.Stop()
		var in io.ReadCloser
		var name string
		if len(args) == 1 {
			silent.Stop()
			if name, in, err = openInput(args[0], s); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		} else if in, name, err = asked.open(ctx, "/debug/snapshot"); err != nil {
			return err
		} else {
			in = &answering{ReadCloser: in, silent: silent, patience: askTimeout}
		}
		defer in.Close()
		return s.snapshot(name, in, *anonymize, *compress)
	}
	return cmd
}

var errSilent = fmt.Errorf("it was silent for %s", askTimeout)

// answering is an answer that may take long, but is not silent for long: then silent ends the request.
type answering struct {
	io.ReadCloser
	silent   *time.Timer
	patience time.Duration
}

// Read implements io.Reader.
func (a *answering) Read(p []byte) (int, error) {
	a.silent.Reset(a.patience)
	defer a.silent.Stop()
	return a.ReadCloser.Read(p)
}

// snapshot prints the snapshot that is read from in.
func (s stdio) snapshot(name string, in io.Reader, anonymize, compress bool) (err error) {
	out := io.Writer(s.out)
	end := func() error { return nil }
	if compress {
		compressed := gzip.NewWriter(s.out)
		out, end = compressed, compressed.Close
	}
	var different error
	if anonymize {
		different, err = s.anonymized(out, in)
	} else {
		err = record.Copy(out, in)
	}
	if err == nil {
		err = end()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return different
}

// anonymized copies a snapshot with other names. different says where these names can change a decision.
func (s stdio) anonymized(out io.Writer, in io.Reader) (different, err error) {
	kept, err := record.Read(in)
	if err != nil {
		return nil, err
	}
	for _, note := range record.Anonymize(kept) {
		fmt.Fprintf(s.err, "trimtab: note: %s\n", note)
	}
	if err := record.Write(out, kept); err != nil {
		return nil, err
	}
	p, _ := kept.Decide()
	return s.tellDifferences("under other names it is decided differently; report this too", kept, record.OutcomeOf(p)), nil
}

// snapshotPatience is the time-out of a client for each part of a snapshot.
const snapshotPatience = 30 * time.Second

// snapshotHandler serves /debug/snapshot to one client at a time, since the objects stay in memory until it has read
// them.
func snapshotHandler(services []service) http.HandlerFunc {
	var part *clusterscaler.ClusterScaler
	for _, sv := range services {
		if is, ok := sv.runner.(*clusterscaler.ClusterScaler); ok {
			part = is
		}
	}
	if part == nil {
		return noPart("clusterScaler")
	}
	return streamSnapshot(part.Record)
}

func streamSnapshot(recorded func() (*record.Record, error)) http.HandlerFunc {
	var one sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		if given := slices.Sorted(maps.Keys(r.URL.Query())); len(given) > 0 {
			http.Error(w, fmt.Sprintf("parameter %.80q is unknown; a snapshot has none", given[0]), http.StatusBadRequest)
			return
		}
		if !one.TryLock() {
			w.Header().Set("Retry-After", "10")
			http.Error(w, "another snapshot is being read; try again", http.StatusServiceUnavailable)
			return
		}
		defer one.Unlock()
		kept, err := recorded()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		kept.Version = currentVersion()
		w.Header().Set("Content-Type", "application/jsonl")
		out, end := io.Writer(patientWriter{w, http.NewResponseController(w)}), func() error { return nil }
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			compressed, _ := gzip.NewWriterLevel(out, gzip.BestSpeed) // the level is a valid one
			out, end = compressed, compressed.Close
		}
		if err = record.Write(out, kept); err == nil {
			err = end()
		}
		if err != nil {
			panic(http.ErrAbortHandler) // so that the client sees that the snapshot was cut off
		}
	}
}

// patientWriter restarts the time-out for each part: the whole may take longer than other answers.
type patientWriter struct {
	w    io.Writer
	late *http.ResponseController
}

// Write implements io.Writer.
func (p patientWriter) Write(b []byte) (int, error) {
	if err := p.late.SetWriteDeadline(time.Now().Add(snapshotPatience)); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}
