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
	"syscall"
	"testing"

	"github.com/spf13/cobra"
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

// commandsBelow are all commands that run something, as the words behind trimtab.
func commandsBelow(c *cobra.Command) []*cobra.Command {
	if !c.HasSubCommands() {
		return []*cobra.Command{c}
	}
	var all []*cobra.Command
	for _, sub := range c.Commands() {
		all = append(all, commandsBelow(sub)...)
	}
	return all
}

// wholeCommandLine is the root, as dispatch makes it.
func wholeCommandLine() *cobra.Command { return newRoot(stdio{}, new(bool)) }

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}, {"-help"}} {
		got := runTrimtab(t, "", args...)
		if got.code != exitDone || got.err != "" && args[0] != "-help" {
			t.Errorf("%v: exit %d, %q", args, got.code, got.err)
		}
		for _, c := range wholeCommandLine().Commands() {
			if !strings.Contains(got.out, "\n  "+c.Name()+" ") || !strings.Contains(got.out, c.Short) {
				t.Errorf("%v does not name %s:\n%s", args, c.Name(), got.out)
			}
		}
	}
	if got := runTrimtab(t, ""); got.code != exitUsage || got.out != "" || !strings.Contains(got.err, "Usage:") {
		t.Errorf("without a command: %+v", got)
	}
	if version, flag := runTrimtab(t, "", "version"), runTrimtab(t, "", "--version"); flag != version || flag.code != exitDone {
		t.Errorf("--version: %+v, not %+v", flag, version)
	}
}

// Each command shows its flags and an example, whichever way it is asked, and stands in a group.
func TestHelpOfEachCommand(t *testing.T) {
	root := wholeCommandLine()
	for _, c := range root.Commands() {
		if c.GroupID == "" {
			t.Errorf("%s is in no group", c.Name())
		}
	}
	for _, c := range commandsBelow(root) {
		words := strings.Fields(c.CommandPath())[1:]
		got := runTrimtab(t, "", append(words, "--help")...)
		if got.code != exitDone || got.err != "" || !strings.Contains(got.out, "\nFlags:\n  ") {
			t.Errorf("%s --help: %+v", words, got)
		}
		own := words[0] != "help" && words[0] != "completion"
		if own && (c.Long == "" || !strings.Contains(got.out, "\n  $ trimtab "+strings.Join(words, " "))) {
			t.Errorf("%s --help has no example: %s", words, got.out)
		}
		if other := runTrimtab(t, "", append([]string{"help"}, words...)...); other != got {
			t.Errorf("help %s differs from %s --help: %+v", words, words, other)
		}
	}
}

// Wrong usage is exit 2 and one line that names the command and the way to its help.
func TestWrongUsage(t *testing.T) {
	shown := func(command string) string { return " `trimtab" + command + " --help` shows how" }
	shows := func(command string) string { return ";" + shown(command) }
	known := "known: " + strings.Join(namesBelow(wholeCommandLine()), ", ")
	for line, want := range map[string]string{
		"frobnicate":                    "trimtab: unknown command \"frobnicate\"; " + known + shows(""),
		"help frobnicate":               "trimtab: unknown command \"frobnicate\"; " + known + shows(""),
		"help simulate weather":         "trimtab simulate: unknown command \"weather\"; known: cluster, metrics" + shows(" simulate"),
		"frobnicate --help":             "trimtab: unknown command \"frobnicate\"; " + known + shows(""),
		"-- version":                    "trimtab: leave out the -- before \"version\"" + shows(""),
		"explain -- pod a":              "trimtab explain: leave out the -- before \"pod\"" + shows(" explain"),
		"explain pods a":                "trimtab explain: unknown command \"pods\"; did you mean \"pod\"?" + shown(" explain"),
		"chek trimtab.yaml":             "trimtab: unknown command \"chek\"; did you mean \"check\"?" + shown(""),
		"simulate":                      "trimtab simulate: name a command: cluster, metrics" + shows(" simulate"),
		"simulate weather":              "trimtab simulate: unknown command \"weather\"; known: cluster, metrics" + shows(" simulate"),
		"simulate clutser --dump a":     "trimtab simulate: unknown command \"clutser\"; did you mean \"cluster\"?" + shown(" simulate"),
		"simulate metrics":              "trimtab simulate metrics: name one FILE, or - for standard input" + shows(" simulate metrics"),
		"simulate metrics a b":          "trimtab simulate metrics: name one FILE, or - for standard input" + shows(" simulate metrics"),
		"simulate metrics -o yaml a":    "trimtab simulate metrics: --output: \"yaml\" is neither text nor json" + shows(" simulate metrics"),
		"--config trimtab.yaml":         "trimtab: unknown flag: --config" + shows(""),
		"run":                           "trimtab run: it takes --config FILE and no argument" + shows(" run"),
		"run trimtab.yaml":              "trimtab run: it takes --config FILE and no argument" + shows(" run"),
		"run --config a.yaml b.yaml":    "trimtab run: it takes --config FILE and no argument" + shows(" run"),
		"run --config":                  "trimtab run: flag needs an argument: --config" + shows(" run"),
		"run --confg a.yaml":            "trimtab run: unknown flag: --confg; did you mean --config?" + shown(" run"),
		"check":                         "trimtab check: name at least one FILE" + shows(" check"),
		"check --loose a.yaml":          "trimtab check: unknown flag: --loose" + shows(" check"),
		"check a.yaml --loose":          "trimtab check: unknown flag: --loose" + shows(" check"),
		"check a.yaml -x":               "trimtab check: unknown shorthand flag: 'x' in -x" + shows(" check"),
		"check -o yaml a.yaml":          "trimtab check: --output: \"yaml\" is neither text nor json" + shows(" check"),
		"check --strict=maybe a.yaml":   "trimtab check: --strict: \"maybe\": invalid syntax" + shows(" check"),
		"check --print-defaults a.yaml": "trimtab check: --print-defaults takes no file" + shows(" check"),
		"check - -":                     "trimtab check: standard input (-) can be read only once" + shows(" check"),
		"version v1":                    "trimtab version: it takes no argument, not \"v1\"" + shows(" version"),
		"version -o yaml":               "trimtab version: --output: \"yaml\" is neither text nor json" + shows(" version"),
		"maxpods":                       "trimtab maxpods: one of --instance-type, --all or --enis is needed" + shows(" maxpods"),
		"completion tcsh":               "trimtab completion: unknown command \"tcsh\"; known: bash, fish, powershell, zsh" + shows(" completion"),
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
		"log: {format: json}\nscalers: {maxReconciles: 0}":                                   {"standard input:2: scalers.maxReconciles: 0 is not between 1 and 10000"},
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

// Command lines that Go's package flag took, such as those of manifests, go on working, and a warning says how to write them.
func TestOneDashBeforeALongFlag(t *testing.T) {
	const good, bad = "testdata/check/good-config.yaml", "testdata/check/bad-no-part.yaml"
	for line, c := range map[string]struct{ same, warned string }{
		"run -config " + bad:            {"run --config " + bad, "-config is read as --config"},
		"run -config=" + bad:            {"run --config=" + bad, "-config is read as --config"},
		"check -o json -strict " + good: {"check -o json --strict " + good, "-strict is read as --strict"},
		"check --o json " + good:        {"check -o json " + good, "--o is read as -o"},
		"check --o=json " + good:        {"check -o=json " + good, "--o is read as -o"},
		"check -output json " + good:    {"check --output json " + good, "-output is read as --output"},
		"check -help":                   {"check --help", "-help is read as --help"},
		"check --h":                     {"check -h", "--h is read as -h"},
		"check " + good + " -strict":    {"check " + good + " --strict", "-strict is read as --strict"},
		"migrate -manifest testdata/migrate/helm.yaml prometheus-adapter": {"migrate prometheus-adapter --manifest testdata/migrate/helm.yaml", "-manifest is read as --manifest"},
		"explain -name a metric x --server 127.0.0.1:1":                   {"explain metric x --name a --server 127.0.0.1:1", "-name is read as --name"},
		"maxpods -all -o json":                       {"maxpods --all -o json", "-all is read as --all"},
		"explain -server http://127.0.0.1:1 node n1": {"explain --server http://127.0.0.1:1 node n1", "-server is read as --server"},
	} {
		got, want := runTrimtab(t, "", strings.Fields(line)...), runTrimtab(t, "", strings.Fields(c.same)...)
		warning, rest, _ := strings.Cut(got.err, "\n")
		got.err = rest
		if got != want || !strings.HasSuffix(warning, ": warning: "+c.warned+"; write it so") {
			t.Errorf("%s: %q\n%+v\n%+v", line, warning, got, want)
		}
	}
	// The value of a flag, and what stands behind --, are not touched.
	for line, want := range map[string]string{
		"run --config -config":    "trimtab: -config: no such file or directory\n",
		"run -f -config":          "trimtab: -config: no such file or directory\n",
		"check -- -strict":        "trimtab: -strict: no such file or directory\n",
		"check -o=json -- --o":    "",
		"check -ojson -- -strict": "",
	} {
		got := runTrimtab(t, "", strings.Fields(line)...)
		if got.code != exitWrong || got.err != want {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// Of a flag that stands twice the last one counts, and that is said.
func TestAFlagThatStandsTwice(t *testing.T) {
	t.Parallel()
	const good, bad, installed = "testdata/check/good-config.yaml", "testdata/check/bad-no-part.yaml", "testdata/migrate/helm.yaml"
	for line, want := range map[string]string{
		"run --config " + good + " -f " + bad:                                                "trimtab run: warning: --config stands twice; the last one counts\ntrimtab: " + bad + ": no part is configured",
		"check --output=json -o json " + good:                                                "trimtab check: warning: --output stands twice; the last one counts\n",
		"check --strict --strict " + good:                                                    "",
		"migrate prometheus-adapter -f " + installed + " -f testdata/check/good-config.yaml": "trimtab: testdata/check/good-config.yaml:2: kind",
	} {
		if got := runTrimtab(t, "", strings.Fields(line)...); !strings.HasPrefix(got.err, want) || want == "" && got.err != "" {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// What the tab key offers: commands, files of the right kind, formats, types.
func TestCompletion(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/kubeconfig.yaml")
	for line, want := range map[string]string{
		"sim":                                   "simulate\tWhat would trimtab decide? offline, from files\n:4\n",
		"simulate c":                            "cluster\tWhich nodes of a dumped cluster would come and go\n:4\n",
		"help simulate m":                       "metrics\tWhat a rule file makes of given series\n:4\n",
		"check -o ":                             "text\njson\n:4\n",
		"check ":                                "yaml\nyml\njson\n:8\n",
		"explain node --s":                      "--server\taddress of the debug pages (server.debugAddress)",
		"replay -":                              "--help\thelp for replay\n-h\thelp for replay\n--output\tformat of the answer: text or json\n",
		"run --config ":                         "yaml\nyml\njson\n:8\n",
		"run ":                                  "",
		"maxpods --instance-type c4.":           "c4.2xlarge\nc4.4xlarge\nc4.8xlarge\nc4.large\nc4.xlarge\n:4\n",
		"maxpods --cni-mode ":                   "secondary-ip\nprefix\n:4\n",
		"migrate k":                             ":4\n",
		"explain n":                             "node\tWhy a node goes or stays\n:4\n",
		"explain node --context ":               "production\nstaging\n:4\n",
		"explain node --context staging x ":     ":4\n",
		"explain pod --kubeconfig none shop/a ": ":4\n",
	} {
		words := strings.Split(line, " ")
		got := runTrimtab(t, "", append([]string{"__complete"}, words...)...)
		if got.code != exitDone || !strings.HasPrefix(got.out, want) {
			t.Errorf("%q: exit %d, %q", line, got.code, got.out)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := runTrimtab(t, "", "completion", shell); got.code != exitDone || got.err != "" || !strings.Contains(got.out, "__complete") {
			t.Errorf("%s: exit %d, %s", shell, got.code, got.err)
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
	for _, args := range [][]string{{"version"}, {"version", "-o", "json"}, {"check", "testdata/check/good-config.yaml"}, {"check", "-o", "json", "testdata/check/good-config.yaml"}, {"check", "--print-defaults"},
		{"help"}, {"--help"}, {"help", "run"}, {"check", "--help"}, {"--version"}, {"completion", "bash"}, {"completion", "fish"}, {"maxpods", "--all"},
		{"simulate", "cluster", "--dump", "testdata/cluster/dump.yaml", "--groups", "testdata/cluster/groups.yaml"},
		{"simulate", "metrics", "testdata/simulate/web.yaml"}} {
		var errs bytes.Buffer
		if code := dispatch(context.Background(), args, stdio{out: brokenWriter{os.ErrClosed}, err: &errs}); code != exitWrong || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%v: exit %d, %q", args, code, &errs)
		}
	}
	// A reader that has seen enough, such as head, is no error.
	var errs bytes.Buffer
	if code := dispatch(context.Background(), []string{"help"}, stdio{out: brokenWriter{syscall.EPIPE}, err: &errs}); code != exitDone || errs.Len() > 0 {
		t.Errorf("a closed pipe: exit %d, %q", code, &errs)
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
