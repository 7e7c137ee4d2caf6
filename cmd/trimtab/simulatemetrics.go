package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/adapter/offline"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/verdict"
)

func simulateMetricsCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "metrics FILE",
		Short: "What a rule file makes of given series",
		Long: `Tests a rule file of prometheus-adapter without a cluster: FILE has Kubernetes objects, the series that Prometheus
holds, and requests to the metrics APIs. Each request is answered by the adapter itself, on Prometheus's own PromQL
engine; an answer other than the file's ` + "`want`" + ` is shown and is exit code 1.`,
		Example: `  $ trimtab simulate metrics web-metrics.yaml
  $ trimtab simulate metrics -o json - < web-metrics.yaml     # the whole answers of the APIs`,
		ValidArgsFunction: yamlFiles,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("name one FILE, or - for standard input")
		}
		test, file, err := readSimulation(args[0], s)
		if err != nil {
			return err
		}
		result, err := simulateMetrics(cmd.Context(), test, file)
		if err != nil {
			return err
		}
		if *output == "json" {
			err = encodeReadable(s.out, result)
		} else {
			err = writeSimulated(s.out, test, result)
		}
		if err == nil && slices.ContainsFunc(result.Requests, func(a offline.Answer) bool { return !a.Passed() }) {
			return errReported
		}
		return answered(err)
	}
	return cmd
}

// simulated is the JSON of `simulate metrics`.
type simulated struct {
	// Plan has an entry per metric if queries are planned. AskedAhead has the queries before the first request.
	Plan       []adapter.Planned `json:"plan,omitempty"`
	AskedAhead []string          `json:"askedAhead,omitempty"`
	// Notes are problems that discovery found.
	Notes    []simulatedNote  `json:"notes,omitempty"`
	Requests []offline.Answer `json:"requests"`
}

type simulatedNote struct {
	Subject string       `json:"subject"`
	Code    verdict.Code `json:"code"`
	Message string       `json:"message"`
}

// readSimulation reads a file, and the rule file that it names. The rule file's path is relative to the file or, for
// standard input, to the working directory.
func readSimulation(path string, s stdio) (*offline.Case, rules.File, error) {
	name, data, err := readInput(path, s)
	if err != nil {
		return nil, rules.File{}, fmt.Errorf("%s: %w", name, err)
	}
	test, err := offline.Decode(name, data)
	if err != nil || test.RulesFile == "" {
		return test, test.Rules, err
	}
	rulesPath := test.RulesFile
	if path != "-" && !filepath.IsAbs(rulesPath) {
		rulesPath = filepath.Join(filepath.Dir(path), rulesPath)
	}
	rulesData, err := readFile(rulesPath)
	if err != nil {
		unread := config.Problems{{File: name, Path: "rulesFile", Message: fmt.Sprintf("cannot be read: %s: %v", rulesPath, err)}}
		unread.Locate(config.Document{Line: 1, Data: data})
		return nil, rules.File{}, unread
	}
	var file rules.File
	return test, file, decodeFile(rulesPath, rulesData, &file).AsError()
}

// simulateMetrics runs the adapter on the content of the file.
func simulateMetrics(ctx context.Context, test *offline.Case, file rules.File) (simulated, error) {
	server := offline.NewPrometheus(test.Store)
	registry := prometheus.NewRegistry()
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return test.Now }
	klog.SetSlogLogger(log) // messages of the API library at its start are not part of the answer
	// The journal's time is the number of the request, so that its verdict can be found.
	turn := int64(0)
	record := journal.New(10_000, log, registry, func() time.Time { return time.Unix(turn, 0) })
	var cfg adapter.Config
	cfg.SetDefaults()
	cfg.File, cfg.Compat = file, test.Compat
	servers := map[string]adapter.Server{"": simulatedServer{server}}
	for _, name := range file.Sources() {
		servers[name] = simulatedServer{server}
	}
	part, err := adapter.New(cfg, adapter.Deps{
		Cluster: test.Cluster, Servers: servers, Journal: record, Log: log, Registry: registry, Now: now,
	})
	if err != nil {
		return simulated{}, err
	}
	handler, err := part.Handler()
	if err != nil {
		return simulated{}, err
	}
	part.Discover(ctx)
	result := simulated{Notes: notesOf(record)}
	if !test.Compat {
		part.Warm(ctx)
		// They were asked at the same time, in random order.
		result.AskedAhead = slices.Sorted(slices.Values(server.Asked()))
		result.Plan = part.Plan(ctx)
	}
	turn++
	result.Requests, err = test.Ask(ctx, handler, func() ([]string, string) {
		why := oddityOf(record, time.Unix(turn, 0))
		turn++
		return server.Asked(), why
	})
	return result, err
}

// oddityOf is what the adapter recorded at a time, unless everything is well. For a refusal, which already says why, it
// is the cause.
func oddityOf(record *journal.Journal, at time.Time) string {
	for _, e := range record.Recent(journal.Filter{}) {
		if !e.Last.Equal(at) || e.Code == rules.MetricServed {
			continue
		}
		if _, refused := e.Facts.Lookup("answer"); refused {
			cause, _ := e.Facts.Lookup("cause")
			return cause.Value()
		}
		// The output shows the query anyway.
		e.Facts = slices.DeleteFunc(slices.Clone(e.Facts), func(f verdict.Fact) bool { return f.Name == "query" })
		return e.Verdict.Message()
	}
	return ""
}

// notesOf are the verdicts of discovery that report a loss, by subject.
func notesOf(record *journal.Journal) []simulatedNote {
	var notes []simulatedNote
	for _, e := range record.Recent(journal.Filter{}) {
		if e.Code != rules.RuleExposes && e.Code != rules.DiscoverySucceeded {
			notes = append(notes, simulatedNote{e.Subject.String(), e.Code, e.Message})
		}
	}
	slices.SortFunc(notes, func(a, b simulatedNote) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Code, b.Code))
	})
	return notes
}

// simulatedServer is the file's Prometheus. It is used as each server that rules may name, and for each tenant.
type simulatedServer struct{ *offline.Prometheus }

func (s simulatedServer) ForNamespace(string) adapter.Server { return s }
