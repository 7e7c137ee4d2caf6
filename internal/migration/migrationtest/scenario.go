package migrationtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/migration"
)

// Scenarios runs the files of testdata. A file is a list of steps, separated by lines of four equals signs. A step is a
// command, its input, a line of four dashes, and the exact output. TRIMTAB_UPDATE=1 rewrites the outputs.
//
//	flags ARG...         the flags after the command, and those of the input, one a line
//	manifests [OPTION]   the input is manifests; the program defines the option
func Scenarios(t *testing.T, program func(option string) migration.Program) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.scenario")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".scenario"), func(t *testing.T) { runFile(t, file, program) })
	}
}

func runFile(t *testing.T, file string, program func(option string) migration.Program) {
	t.Helper()
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
		got := strings.TrimSpace(runStep(command, input, program))
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

// runStep prints the configuration without its heading, and the notes.
func runStep(command, input string, program func(option string) migration.Program) string {
	words := strings.Fields(command)
	p := program("")
	var in migration.Installation
	switch words[0] {
	case "flags":
		args := words[1:]
		if input != "" {
			args = append(args, strings.Split(input, "\n")...)
		}
		in = p.FromFlags(args)
	case "manifests":
		if len(words) > 1 {
			p = program(words[1])
		}
		var err error
		if in, err = p.FromManifests([]migration.Source{{Name: "f", Data: []byte(input)}}); err != nil {
			return "error: " + err.Error()
		}
	default:
		return "unknown command " + words[0]
	}
	result, err := p.Convert(in)
	if err != nil {
		return "error: " + err.Error()
	}
	_, out, _ := strings.Cut(result.Configuration, "\n")
	for _, n := range result.Notes {
		mark := "note"
		if n.Blocking {
			mark = "BLOCK"
		}
		out += fmt.Sprintf("%s %s: %s [%s]\n", mark, n.Flag, n.Message, strings.TrimPrefix(n.Page, p.Page))
	}
	return out
}
