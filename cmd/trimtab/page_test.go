package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Each example of docs/cli.md is run as it stands, beside the example files of its command, and prints what the page
// shows. -update rewrites the answers.
func TestCommandLinePage(t *testing.T) {
	const path = "../../docs/cli.md"
	page, examples := runPage(t, path)
	commands := wholeCommandLine().Commands()
	if examples < len(commands) {
		t.Errorf("%s has %d examples, fewer than there are commands", path, examples)
	}
	for _, c := range commands {
		if c.Name() != "help" && !strings.Contains(page, "\n## "+c.Name()+"\n") {
			t.Errorf("%s does not tell about %s", path, c.Name())
		}
	}
}

// runPage runs the examples of a page, compares what they print with what it shows, and counts them. "$ cat FILE" shows
// an example file.
func runPage(t *testing.T, path string) (page string, examples int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	inside := false
	for line := range strings.Lines(string(data)) {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console\n"
			got.WriteString(line)
		case !inside:
			got.WriteString(line)
		case strings.HasPrefix(line, "$ trimtab "), strings.HasPrefix(line, "$ cat "):
			examples++
			got.WriteString(line + example(t, strings.TrimSuffix(line, "\n")))
		}
	}
	golden(t, path, got.String())
	return string(data), examples
}

// example runs "$ trimtab ..." where the example files of the command are; "| head -n N" shows the first lines.
func example(t *testing.T, line string) string {
	t.Helper()
	line, head, cut := strings.Cut(line, " | head -n ")
	words := strings.Fields(line)
	dir := "testdata/check"
	switch {
	case words[1] == "cat":
		dir = folderOf(t, words[2])
	case words[2] == "simulate" && words[3] == "cluster":
		dir = "testdata/cluster"
	case words[2] == "replay", words[2] == "snapshot":
		dir = "testdata/snapshot"
	case words[2] == "simulate":
		dir = "testdata/simulate"
	}
	defer inDirectory(t, dir)()
	if words[1] == "cat" {
		data, err := os.ReadFile(words[2])
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	said := transcript(t, words[2:]...)
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

// folderOf is where an example file lies.
func folderOf(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"testdata/simulate", "testdata/cluster"} {
		if _, err := os.Stat(dir + "/" + name); err == nil {
			return dir
		}
	}
	t.Fatalf("%s is no example file", name)
	return ""
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
