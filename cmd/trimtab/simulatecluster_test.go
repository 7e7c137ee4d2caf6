package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

const simulatedNow = "2026-11-25T12:00:00Z"

// clusterArgs are the arguments that simulate a dump of testdata/cluster with the files beside it.
func clusterArgs(t *testing.T, dump string, more ...string) []string {
	t.Helper()
	base := strings.TrimSuffix(dump, filepath.Ext(dump))
	args := []string{"simulate", "cluster", "--dump", dump, "--groups", base + ".groups.yaml"}
	if _, err := os.Stat(base + ".config.yaml"); err == nil {
		args = append(args, "--config", base+".config.yaml")
	}
	return append(append(args, "--now", simulatedNow), more...)
}

// dumps are the dumps of testdata/cluster.
func dumps(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/cluster/*")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool {
		return strings.HasSuffix(f, ".groups.yaml") || strings.HasSuffix(f, ".config.yaml")
	})
	if len(files) < 10 {
		t.Fatalf("only %d dumps", len(files))
	}
	return files
}

// Each dump of testdata/cluster is simulated, and all that is said of it stands in testdata/cluster.txt.
func TestSimulateClusterFiles(t *testing.T) {
	var all strings.Builder
	for _, path := range dumps(t) {
		for _, more := range [][]string{nil, {"--respect-timers"}} {
			if more != nil && filepath.Base(path) != "young.yaml" {
				continue
			}
			args := clusterArgs(t, path, more...)
			got := runTrimtab(t, "", args...)
			bad := strings.HasPrefix(filepath.Base(path), "bad")
			if bad != (got.code == exitWrong) || bad != (got.err != "") || bad != (got.out == "") {
				t.Errorf("%s: %+v", path, got)
			}
			said := transcript(t, args...)
			all.WriteString("$ trimtab " + strings.Join(args, " ") + "\n" + said + "\n")
			if strings.ContainsFunc(said, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
				t.Errorf("%s: a control character is printed: %q", path, said)
			}
		}
	}
	golden(t, "testdata/cluster.txt", all.String())
}

func TestSimulateClusterPage(t *testing.T) {
	if page, examples := runPage(t, "../../docs/simulate-cluster.md"); examples < 5 {
		t.Errorf("%d examples in %d bytes", examples, len(page))
	}
}

// clusterAnswer has the names of the contract.
type clusterAnswer struct {
	ScaleUp []struct {
		Group    string
		From, To int
		Pods     []string
	}
	Pending []struct {
		Pod, Placed string
		Why         []struct{ Group, Code, Message string }
	}
	ScaleDown []struct {
		Node, Group string
		Moves       []struct{ Pod, To string }
	}
	Nodes []struct {
		Node, Group   string
		Utilization   float64
		Code, Message string
	}
}

// JSON has the names of the contract with no list left out, agrees with itself, and is the same in each run.
func TestSimulateClusterJSON(t *testing.T) {
	for _, path := range dumps(t) {
		if strings.HasPrefix(filepath.Base(path), "bad") {
			continue
		}
		args := clusterArgs(t, path, "-o", "json")
		got := runTrimtab(t, "", args...)
		if got.err != "" || got.code != exitDone || strings.Count(got.out, "\n") != 1 || strings.Contains(got.out, "null") {
			t.Fatalf("%s: %+v", path, got)
		}
		var names map[string]json.RawMessage
		var answer clusterAnswer
		if err := json.Unmarshal([]byte(got.out), &names); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(got.out), &answer); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"scaleUp", "pending", "scaleDown", "nodes"} {
			if !bytes.HasPrefix(names[name], []byte("[")) {
				t.Errorf("%s: %s is %s", path, name, names[name])
			}
		}
		grown := map[string]int{}
		for _, up := range answer.ScaleUp {
			if up.To <= up.From || len(up.Pods) == 0 {
				t.Errorf("%s: %+v", path, up)
			}
			grown[up.Group] = len(up.Pods)
		}
		for _, p := range answer.Pending {
			grown[p.Placed]--
			for _, why := range p.Why {
				if why.Group == p.Placed || why.Code == "" || !strings.HasPrefix(why.Message, why.Code) {
					t.Errorf("%s: %s: %+v", path, p.Pod, why)
				}
			}
		}
		for group, left := range grown {
			if group != "" && left != 0 {
				t.Errorf("%s: group %s grows for %d pods more than are placed on it", path, group, left)
			}
		}
		goes := map[string]bool{}
		for _, down := range answer.ScaleDown {
			goes[down.Node] = true
		}
		for _, n := range answer.Nodes {
			if n.Code == "" || n.Message == "" || goes[n.Node] != (n.Code == "Unneeded") {
				t.Errorf("%s: %+v", path, n)
			}
		}
		for range 5 {
			if again := runTrimtab(t, "", args...); again != got {
				t.Fatalf("%s: another run prints another answer:\n%s\n%s", path, again.out, got.out)
			}
		}
	}
}

// Each of the files may be standard input.
func TestSimulateClusterFromStandardInput(t *testing.T) {
	defer inDirectory(t, "testdata/cluster")()
	args := clusterArgs(t, "several-groups.yaml")
	want := runTrimtab(t, "", args...)
	for i, arg := range args {
		if !strings.HasSuffix(arg, ".yaml") {
			continue
		}
		data, err := os.ReadFile(arg)
		if err != nil {
			t.Fatal(err)
		}
		piped := slices.Clone(args)
		piped[i] = "-"
		if got := runTrimtab(t, string(data), piped...); got != want || got.code != exitDone {
			t.Errorf("%v: %+v", piped, got)
		}
	}
}

// The configuration's section applies; a configuration without it gets a note.
func TestSimulateClusterConfiguration(t *testing.T) {
	defer inDirectory(t, "testdata/cluster")()
	run := func(config string) trimtab {
		return runTrimtab(t, config, append(clusterArgs(t, "shop.yaml"), "--config", "-")...)
	}
	plain := runTrimtab(t, "", clusterArgs(t, "shop.yaml")...)
	if got := run("clusterScaler: {}"); got != plain {
		t.Errorf("defaults: %+v", got)
	}
	if got := run("clusterScaler: {scaleDownEnabled: false, maxNodesTotal: 3}"); !strings.Contains(got.out, "  n3  general  20.7%  ScaleDownDisabled") ||
		!strings.Contains(got.out, "not in general  MaxNodesTotalReached: nodes 3, max 3") {
		t.Errorf("settings: %+v", got)
	}
	if got := run("clusterScaler: {minReplicaCount: 2}"); !strings.Contains(got.out, "note: minReplicaCount is not judged") {
		t.Errorf("what a dump does not tell: %+v", got)
	}
	if got := run("scalers: {}"); !strings.Contains(got.out, "note: standard input has no section clusterScaler: its defaults apply") {
		t.Errorf("no section: %+v", got)
	}
	if got := run("clusterScaler: {scaleDownEnable: false}"); got.code != exitWrong || got.err != "trimtab: standard input:1: clusterScaler.scaleDownEnable: unknown key; did you mean \"scaleDownEnabled\"?\n" {
		t.Errorf("a wrong key: %+v", got)
	}
}

func TestSimulateClusterWrongUsage(t *testing.T) {
	for line, want := range map[string]string{
		"":                                    "--dump FILE and --groups FILE are needed",
		"--dump a":                            "--dump FILE and --groups FILE are needed",
		"--dump a --groups b c":               "it takes no argument, not \"c\"; files stand behind --dump, --groups and --config",
		"--dump - --groups -":                 "standard input (-) can be read only once",
		"--dump - --groups a --config -":      "standard input (-) can be read only once",
		"--dump a --groups b --now yesterday": "--now \"yesterday\" is no time; write one as in 2026-11-25T15:04:05Z",
		"--dump a --groups b -o yaml":         "--output: \"yaml\" is neither text nor json",
		"--dump a --groups b --fast":          "unknown flag: --fast",
	} {
		got := runTrimtab(t, "", append([]string{"simulate", "cluster"}, strings.Fields(line)...)...)
		if got.code != exitUsage || got.out != "" || got.err != "trimtab simulate cluster: "+want+"; `trimtab simulate cluster --help` shows how\n" {
			t.Errorf("%q: %+v", line, got)
		}
	}
	help := runTrimtab(t, "", "simulate", "cluster", "--help")
	if help.code != exitDone || !strings.Contains(help.out, "\n  $ trimtab simulate cluster --dump dump.yaml") {
		t.Errorf("--help: %+v", help)
	}
	if got := runTrimtab(t, "", "simulate", "cluster", "--dump", "testdata/there-is-none", "--groups", "b"); got != (trimtab{exitWrong, "", "trimtab: testdata/there-is-none: no such file or directory\n"}) {
		t.Errorf("a missing file: %+v", got)
	}
}

// Without --now it is now, and a failed write is not silent.
func TestSimulateClusterNow(t *testing.T) {
	args := []string{"simulate", "cluster", "-o", "json", "--dump", "testdata/cluster/shop.yaml", "--groups", "testdata/cluster/shop.groups.yaml"}
	var answer struct{ Now time.Time }
	if err := json.Unmarshal([]byte(runTrimtab(t, "", args...).out), &answer); err != nil || time.Since(answer.Now) > time.Minute {
		t.Errorf("%v, %v", answer.Now, err)
	}
	var errs bytes.Buffer
	if code := dispatch(t.Context(), args, stdio{out: brokenWriter{os.ErrClosed}, err: &errs}); code != exitWrong || strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("a closed pipe: exit %d, %q", code, &errs)
	}
}
