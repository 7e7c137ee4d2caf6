package migrate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScenarios runs the files of testdata. A file is a list of steps, divided by lines of four equals signs; a
// step is a command, its input, a line of four dashes, and the exact output. TRIMTAB_UPDATE=1 writes the
// outputs anew.
//
//	flags ARG...         the flags behind the command, and those of the input, one a line
//	manifests [PATH]     the input is manifests; PATH is the rule file's path in trimtab's pod
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.scenario")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".scenario"), func(t *testing.T) { runScenario(t, file) })
	}
}

func runScenario(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rewritten []string
	for step := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n====\n") {
		in, want, _ := strings.Cut(strings.TrimSpace(step), "\n----")
		command, input, _ := strings.Cut(in, "\n")
		for strings.HasPrefix(command, "#") {
			command, input, _ = strings.Cut(input, "\n")
		}
		got := strings.TrimSpace(runStep(command, input))
		if got != strings.TrimSpace(want) {
			t.Errorf("%s\n%s\n got: %s\nwant: %s", command, input, got, strings.TrimSpace(want))
		}
		rewritten = append(rewritten, in+"\n----\n"+got)
	}
	if os.Getenv("TRIMTAB_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(strings.Join(rewritten, "\n====\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runStep prints the configuration without its heading, the notes, and the settings that are not in the
// configuration under the same name.
func runStep(command, input string) string {
	words := strings.Fields(command)
	var in Installation
	var options Options
	switch words[0] {
	case "flags":
		args := words[1:]
		if input != "" {
			args = append(args, strings.Split(input, "\n")...)
		}
		in = FromFlags(args)
	case "manifests":
		if len(words) > 1 {
			options.RulesFile = words[1]
		}
		var err error
		if in, err = FromManifests([]Source{{Name: "f", Data: []byte(input)}}); err != nil {
			return "error: " + err.Error()
		}
	default:
		return "unknown command " + words[0]
	}
	result, err := Convert(in, options)
	if err != nil {
		return "error: " + err.Error()
	}
	_, out, _ := strings.Cut(result.Configuration, "\n")
	for _, n := range result.Notes {
		mark := "note"
		if n.Blocking {
			mark = "BLOCK"
		}
		out += fmt.Sprintf("%s %s: %s [%s]\n", mark, n.Flag, n.Message, strings.TrimPrefix(n.Page, page))
	}
	return out
}
