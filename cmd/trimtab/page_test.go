package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Each example of docs/cli.md is run as it stands, beside the files of testdata/check, and prints what the
// page shows. -update rewrites the answers.
func TestCommandLinePage(t *testing.T) {
	const path = "../../docs/cli.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	inside, examples := false, 0
	for line := range strings.Lines(string(page)) {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console\n"
			got.WriteString(line)
		case !inside:
			got.WriteString(line)
		case strings.HasPrefix(line, "$ trimtab "):
			examples++
			got.WriteString(line + example(t, strings.TrimSuffix(line, "\n")))
		}
	}
	if examples < len(commands()) {
		t.Errorf("%s has %d examples, fewer than there are commands", path, examples)
	}
	golden(t, path, got.String())
	for _, c := range commands() {
		if !strings.Contains(string(page), "\n## "+c.name+"\n") {
			t.Errorf("%s does not tell about %s", path, c.name)
		}
	}
}

// example runs "$ trimtab ..." where the example files are; "| head -n N" shows the first lines.
func example(t *testing.T, line string) string {
	t.Helper()
	line, head, cut := strings.Cut(line, " | head -n ")
	defer inDirectory(t, "testdata/check")()
	said := transcript(t, strings.Fields(line)[2:]...)
	if !cut {
		return said
	}
	n, err := strconv.Atoi(head)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", line, err))
	}
	lines := strings.SplitAfter(said, "\n")
	return strings.Join(lines[:min(n, len(lines))], "")
}

// inDirectory changes the directory until the function that it returns is called.
func inDirectory(t *testing.T, dir string) func() {
	t.Helper()
	before, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Chdir(before); err != nil {
			t.Fatal(err)
		}
	}
}
