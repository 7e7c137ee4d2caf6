package main

import (
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/clusterscaler/record"
)

const snapshotUsage = `Prints all that the last plan of the running trimtab's cluster scaler was made of: nodes, pods and what else it read, the
groups as their provider described them, its memory, its settings, and the plan. ` + "`trimtab replay`" + ` decides it again, on
any machine. It has no environment, no command, no message, and nothing of Secrets.

--anonymize gives nodes, pods, namespaces, groups and all else that has a name another one, and replaces the values of
labels, taints and annotations, so that the same is decided; with FILE it does so with a snapshot that is there already.
Kept are the keys, the names of resources and drivers, numbers, times, and the labels for architecture and instance type.

Usage: trimtab snapshot [--anonymize] [--gzip] [--server URL] [--token-file FILE] > FILE
       trimtab snapshot --anonymize [--gzip] FILE > OTHER

The server is that of server.debugAddress, of the replica that leads; from outside of the cluster:

  $ kubectl -n trimtab-system port-forward deployment/trimtab 8081 &
  $ trimtab snapshot --anonymize --gzip > report.jsonl.gz
  $ trimtab replay report.jsonl.gz
`

func snapshotCommand(ctx context.Context, args []string, s stdio) int {
	fs := flag.NewFlagSet("snapshot", flag.ContinueOnError)
	server := fs.String("server", "http://localhost:8081", "`URL` of the debug pages of the running trimtab (server.debugAddress)")
	tokenFile := fs.String("token-file", "", "`file` of a bearer token, for debug pages that are not on localhost")
	anonymize := fs.Bool("anonymize", false, "replace names, and the values of labels, taints and annotations")
	compress := fs.Bool("gzip", false, "compress what is printed")
	if code, done := parse(fs, snapshotUsage, args, s); done {
		return code
	}
	if fs.NArg() > 1 || fs.NArg() == 1 && !*anonymize {
		return wrongUsage(fs, s, "one FILE goes with --anonymize; without it the running trimtab is asked")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(explainTimeout, cancel) // for as long as no answer begins
	var in io.ReadCloser
	var err error
	name := "the answer of the running trimtab"
	if fs.NArg() == 1 {
		if name, in, err = openInput(fs.Arg(0), s); err != nil {
			return s.fail(fmt.Errorf("%s: %w", name, err))
		}
	} else if in, err = (running{url: *server, tokenFile: *tokenFile}).open(ctx, "/debug/snapshot"); err != nil {
		return s.fail(err)
	}
	defer in.Close()
	silent.Stop()
	out := io.Writer(s.out)
	end := func() error { return nil }
	if *compress {
		compressed := gzip.NewWriter(s.out)
		out, end = compressed, compressed.Close
	}
	code := exitDone
	if *anonymize {
		code, err = s.anonymized(out, in)
	} else {
		_, err = io.Copy(out, in)
	}
	if err == nil {
		err = end()
	}
	if err != nil {
		return s.fail(fmt.Errorf("%s: %w", name, err))
	}
	return code
}

// anonymized copies a snapshot under other names, and says where these would let something else be decided.
func (s stdio) anonymized(out io.Writer, in io.Reader) (code int, err error) {
	kept, err := record.Read(in)
	if err != nil {
		return 0, err
	}
	for _, note := range record.Anonymize(kept) {
		fmt.Fprintf(s.err, "trimtab: note: %s\n", note)
	}
	if err := record.Write(out, kept); err != nil {
		return 0, err
	}
	p, _ := kept.Decide()
	return s.tellDifferences("under other names it is decided differently; report this too", kept, record.OutcomeOf(p)), nil
}

// snapshotPatience is how long a reader of a snapshot may take for each part of it.
const snapshotPatience = 30 * time.Second

// snapshotHandler serves /debug/snapshot, to one reader at a time: the objects that it is about stay in memory as long.
func snapshotHandler(services []service) http.HandlerFunc {
	var part *clusterscaler.ClusterScaler
	for _, sv := range services {
		if is, ok := sv.part.(*clusterscaler.ClusterScaler); ok {
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
			compressed, _ := gzip.NewWriterLevel(out, gzip.BestSpeed) // the level is one
			out, end = compressed, compressed.Close
		}
		if err = record.Write(out, kept); err == nil {
			err = end()
		}
		if err != nil {
			panic(http.ErrAbortHandler) // so that the reader sees that it was cut off
		}
	}
}

// patientWriter gives the reader time for each part anew: the whole may take longer than other answers.
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
