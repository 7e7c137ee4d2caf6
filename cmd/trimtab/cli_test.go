package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestMain defines -update, which rewrites golden files; read the diff.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the golden files of this package, docs/reference-codes.md and docs/scalers")
	flag.Parse()
	os.Exit(m.Run())
}

// trimtab is what one command printed.
type trimtab struct {
	code     int
	out, err string
}

func runTrimtab(t *testing.T, stdin string, args ...string) trimtab {
	t.Helper()
	var out, errs bytes.Buffer
	code := dispatch(t.Context(), args, stdio{in: strings.NewReader(stdin), out: &out, err: &errs})
	return trimtab{code: code, out: out.String(), err: errs.String()}
}

// golden compares got with a file, or rewrites it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(data)
	wantLines, gotLines := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(wantLines), len(gotLines)) {
		if i >= len(wantLines) || i >= len(gotLines) || wantLines[i] != gotLines[i] {
			t.Fatalf("%s:%d differs from here on (go test ./cmd/trimtab -update rewrites it); got\n%s",
				path, i+1, strings.Join(gotLines[min(i, len(gotLines)):], "\n"))
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}, {"help", "help"}, {"help", "--help"}, {"--help", "-h"}} {
		got := runTrimtab(t, "", args...)
		if got.code != exitDone || got.err != "" {
			t.Errorf("%v: exit %d, %q", args, got.code, got.err)
		}
		for _, c := range commands() {
			if !strings.Contains(got.out, "trimtab "+c.name+" ") || !strings.Contains(got.out, c.about) {
				t.Errorf("%v does not name %s:\n%s", args, c.name, got.out)
			}
		}
	}
	if got := runTrimtab(t, ""); got.code != exitUsage || got.out != "" || !strings.Contains(got.err, "Usage:") {
		t.Errorf("without a command: %+v", got)
	}
}

// Each command shows its flags and an example, whichever way it is asked.
func TestHelpOfEachCommand(t *testing.T) {
	for _, c := range commands() {
		got := runTrimtab(t, "", c.name, "--help")
		if got.code != exitDone || got.err != "" || !strings.Contains(got.out, "\n  $ trimtab "+c.name) || !strings.Contains(got.out, "\nFlags:\n  -") {
			t.Errorf("%s --help: %+v", c.name, got)
		}
		if other := runTrimtab(t, "", "help", c.name); other != got {
			t.Errorf("help %s differs from %s --help: %+v", c.name, c.name, other)
		}
	}
}

// Help on a command of two words is that of both.
func TestHelpOfTwoWords(t *testing.T) {
	want := runTrimtab(t, "", "simulate", "cluster", "--help")
	if got := runTrimtab(t, "", "help", "simulate", "cluster"); got != want || got.code != exitDone {
		t.Errorf("%+v", got)
	}
}

// Wrong usage is exit 2 and one line that names the command and the way to its help.
func TestWrongUsage(t *testing.T) {
	for line, want := range map[string]string{
		"frobnicate":                    "trimtab: unknown command \"frobnicate\"; `trimtab --help` lists them",
		"help frobnicate":               "trimtab: unknown command \"frobnicate\"; `trimtab --help` lists them",
		"simulate":                      "trimtab simulate: name what to simulate: metrics, cluster; `trimtab simulate --help` shows how",
		"simulate weather":              "trimtab simulate: \"weather\" is nothing that can be simulated; there is metrics, cluster; `trimtab simulate --help` shows how",
		"simulate metrics":              "trimtab simulate metrics: name one FILE, or - for standard input; `trimtab simulate metrics --help` shows how",
		"simulate metrics a b":          "trimtab simulate metrics: name one FILE, or - for standard input; `trimtab simulate metrics --help` shows how",
		"simulate metrics -o yaml a":    "trimtab simulate metrics: -o \"yaml\" is neither text nor json; `trimtab simulate metrics --help` shows how",
		"--config trimtab.yaml":         "trimtab: unknown command \"--config\"; `trimtab --help` lists them",
		"run":                           "trimtab run: it takes --config FILE and nothing else; `trimtab run --help` shows how",
		"run trimtab.yaml":              "trimtab run: it takes --config FILE and nothing else; `trimtab run --help` shows how",
		"run --config a.yaml b.yaml":    "trimtab run: it takes --config FILE and nothing else; `trimtab run --help` shows how",
		"run --config":                  "trimtab run: flag needs an argument: -config; `trimtab run --help` shows how",
		"check":                         "trimtab check: name at least one FILE; `trimtab check --help` shows how",
		"check --loose a.yaml":          "trimtab check: flag provided but not defined: -loose; `trimtab check --help` shows how",
		"check a.yaml --loose":          "trimtab check: flag provided but not defined: -loose; `trimtab check --help` shows how",
		"check -o yaml a.yaml":          "trimtab check: -o \"yaml\" is neither text nor json; `trimtab check --help` shows how",
		"check --print-defaults a.yaml": "trimtab check: --print-defaults takes no file; `trimtab check --help` shows how",
		"check - -":                     "trimtab check: standard input (-) can be read only once; `trimtab check --help` shows how",
		"version v1":                    "trimtab version: it takes no argument, not \"v1\"; `trimtab version --help` shows how",
		"version -o yaml":               "trimtab version: -o \"yaml\" is neither text nor json; `trimtab version --help` shows how",
		"maxpods":                       "trimtab maxpods: one of --instance-type, --all or --enis is needed; `trimtab maxpods --help` shows how",
	} {
		if got := runTrimtab(t, "", strings.Fields(line)...); got.code != exitUsage || got.out != "" || got.err != want+"\n" {
			t.Errorf("trimtab %s: exit %d, %q\n got: %swant: %s", line, got.code, got.out, got.err, want)
		}
	}
}

// A mistake in the configuration ends `trimtab run` before anything is connected: the address of the API
// server is not even looked up, which would be another error.
func TestRunReportsTheConfigurationFirst(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/there-is-none")
	for _, name := range []string{"bad-three-errors.yaml", "bad-rules-file.yaml", "bad-empty-adapter.yaml", "bad-empty-cluster-scaler.yaml", "bad-empty-vpa.yaml", "bad-empty-nested.yaml", "bad-syntax.yaml"} {
		path := "testdata/check/" + name
		checked, ran := runTrimtab(t, "", "check", path), runTrimtab(t, "", "run", "--config", path)
		if ran.code != exitWrong || ran.out != "" || ran.err != checked.err {
			t.Errorf("%s: run exits %d with\n%s\ncheck says\n%s", name, ran.code, ran.err, checked.err)
		}
	}
	if got := runTrimtab(t, "", "run", "--config", "testdata/there-is-none.yaml"); got != (trimtab{exitWrong, "", "trimtab: testdata/there-is-none.yaml: no such file or directory\n"}) {
		t.Errorf("a missing file: %+v", got)
	}
	if got := runTrimtab(t, "scalers: []", "run", "--config", "-"); got != (trimtab{exitWrong, "", "trimtab: standard input:1: scalers: a mapping is expected, not a list\n"}) {
		t.Errorf("standard input: %+v", got)
	}
}

// A good configuration goes on to the API server, and says so when there is none.
func TestRunWithoutACluster(t *testing.T) {
	got := runTrimtab(t, "scalers: {}\nkubernetes: {kubeconfig: testdata/there-is-none}", "run", "--config", "-")
	if got.code != exitWrong || strings.Count(got.err, "\n") != 1 || !strings.HasPrefix(got.err, "trimtab: ") || !strings.Contains(got.err, "testdata/there-is-none") {
		t.Errorf("%+v", got)
	}
}

// Why the service ends is a line of the log, in its format: of a mistake in the configuration, and of what happens later.
func TestFatalErrorsAreInTheLogsFormat(t *testing.T) {
	for stdin, want := range map[string][]string{
		"log: {format: json}\nscalers: {}\nkubernetes: {kubeconfig: testdata/there-is-none}": {"testdata/there-is-none"},
		"log: {format: json}\nscalers: {maxReconciles: 0}":                                   {"standard input:2: scalers.maxReconciles: 0 is below 1"},
		"scalers: {pollingIntervall: 1, b: 2}\nlog: {format: json, level: error}":            {"scalers.pollingIntervall: unknown key", "scalers.b: unknown key"},
	} {
		got := runTrimtab(t, stdin, "run", "--config", "-")
		lines := slices.Collect(strings.Lines(got.err))
		if got.code != exitWrong || got.out != "" || len(lines) != len(want) {
			t.Errorf("%s: %+v", stdin, got)
			continue
		}
		for i, line := range lines {
			var record struct{ Level, Msg, Error string }
			if err := json.Unmarshal([]byte(line), &record); err != nil || record.Level != "ERROR" || record.Msg != "trimtab ends" || !strings.Contains(record.Error, want[i]) {
				t.Errorf("%s: %v: %s", stdin, err, line)
			}
		}
	}
}

func TestFlagsMayStandBehindArguments(t *testing.T) {
	before := runTrimtab(t, "", "check", "-o", "json", "testdata/check/good-config.yaml")
	behind := runTrimtab(t, "", "check", "testdata/check/good-config.yaml", "-o", "json")
	if before != behind || before.code != exitDone {
		t.Errorf("%+v\n%+v", before, behind)
	}
	if got := runTrimtab(t, "", "check", "--", "-o"); got.err != "trimtab: -o: no such file or directory\n" {
		t.Errorf("after --: %+v", got)
	}
}

// What a stopped reader or a full disk does to an answer is not silent.
func TestACommandReportsAFailedWrite(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"version", "-o", "json"}, {"check", "testdata/check/good-config.yaml"}, {"check", "-o", "json", "testdata/check/good-config.yaml"}, {"check", "--print-defaults"}} {
		var errs bytes.Buffer
		if code := dispatch(context.Background(), args, stdio{out: brokenWriter{}, err: &errs}); code != exitWrong || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%v: exit %d, %q", args, code, &errs)
		}
	}
}

// transcript is how a command looks on a terminal, both outputs together, the exit code last unless it is 0.
func transcript(t *testing.T, args ...string) string {
	t.Helper()
	var both bytes.Buffer
	if code := dispatch(t.Context(), args, stdio{in: strings.NewReader(""), out: &both, err: &both}); code != exitDone {
		fmt.Fprintf(&both, "exit %d\n", code)
	}
	return both.String()
}
