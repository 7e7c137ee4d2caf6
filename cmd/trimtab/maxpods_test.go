package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/eni"
)

// runMaxpods is the transcript of one command: its line, what it printed, and its exit code unless 0.
func runMaxpods(line string) string {
	var out, errs bytes.Buffer
	code := dispatch(context.Background(), strings.Fields(line)[2:], stdio{out: &out, err: &errs})
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s", line, &out)
	for message := range strings.Lines(errs.String()) {
		fmt.Fprintf(&b, "stderr: %s", message)
	}
	if code != exitDone {
		fmt.Fprintf(&b, "exit %d\n", code)
	}
	return b.String()
}

// Runs each "$ trimtab maxpods" line of testdata/maxpods.txt and compares all that it prints with the
// lines below it. -update rewrites the file; read the diff.
func TestMaxpodsTranscript(t *testing.T) {
	const path = "testdata/maxpods.txt"
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(want)) {
		switch {
		case strings.HasPrefix(line, "$ trimtab maxpods"):
			got.WriteString(runMaxpods(strings.TrimSuffix(line, "\n")))
		case strings.HasPrefix(line, "#"), line == "\n":
			got.WriteString(line)
		}
	}
	golden(t, path, got.String())
}

// Each example of the page, a command and what it prints on both outputs, is run as it stands.
func TestMaxpodsPage(t *testing.T) {
	const path = "../../docs/maxpods.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want, got strings.Builder
	inside, examples := false, 0
	for line := range strings.Lines(string(page)) {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console\n"
		case inside:
			want.WriteString(line)
			if strings.HasPrefix(line, "$ ") {
				examples++
				fmt.Fprint(&got, line)
				dispatch(t.Context(), strings.Fields(line)[2:], stdio{out: &got, err: &got})
			}
		}
	}
	if examples == 0 || got.String() != want.String() {
		t.Errorf("%s has %d examples, that print\n%s\nnot\n%s", path, examples, &got, &want)
	}
	for _, doc := range eni.Codes() {
		if doc.Code != eni.LimitImpossibleOptions && !strings.Contains(string(page), "`"+string(doc.Code)+"`") {
			t.Errorf("%s does not tell what %s means", path, doc.Code)
		}
	}
}

func TestMaxpodsAll(t *testing.T) {
	var out, errs bytes.Buffer
	if code := dispatch(t.Context(), []string{"maxpods", "--all", "--custom-networking"}, stdio{out: &out, err: &errs}); code != exitDone {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != len(eni.Types())+1 || !slices.Equal(rows[0], []string{"type", "max_pods", "ip_pods"}) {
		t.Fatalf("%d rows, %v; want a header and a row for each of %d types", len(rows), err, len(eni.Types()))
	}
	if !slices.IsSortedFunc(rows[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) }) {
		t.Error("the rows are not sorted by type")
	}
	options := eni.DefaultOptions()
	options.CustomNetworking = true
	for i, it := range eni.Types() {
		r := eni.Compute(it, options)
		if want := []string{it.Name, strconv.Itoa(r.MaxPods), strconv.Itoa(r.IPPods)}; !slices.Equal(rows[i+1], want) {
			t.Errorf("row %d = %v, want %v", i+1, rows[i+1], want)
		}
	}
}

func TestMaxpodsAllJSON(t *testing.T) {
	var out, errs bytes.Buffer
	if code := dispatch(t.Context(), []string{"maxpods", "--all", "-o", "json"}, stdio{out: &out, err: &errs}); code != exitDone || errs.Len() > 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	var answers []maxpodsAnswer
	if err := json.Unmarshal(out.Bytes(), &answers); err != nil || len(answers) != len(eni.Types()) {
		t.Fatalf("%d answers, %v; want %d", len(answers), err, len(eni.Types()))
	}
	for _, a := range answers {
		it, known := eni.Lookup(a.InstanceType)
		if !known || it.Sized() != (a.Allocatable != nil) || a.BranchPods == nil {
			t.Errorf("%s: known %t, allocatable %v, branch pods %v", a.InstanceType, known, a.Allocatable, a.BranchPods)
		}
	}
}

func TestMaxpodsHelp(t *testing.T) {
	var out, errs bytes.Buffer
	if code := dispatch(t.Context(), []string{"maxpods", "--help"}, stdio{out: &out, err: &errs}); code != exitDone || errs.Len() > 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	for _, want := range []string{"$ trimtab maxpods --instance-type c4.large\n  29\n", "--security-groups-for-pods", "--vm-memory-overhead", "(default 2)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %q:\n%s", want, &out)
		}
	}
}

// brokenWriter fails as a closed pipe does.
type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestMaxpodsReportsAFailedWrite(t *testing.T) {
	for _, args := range [][]string{{"--all"}, {"--all", "-o", "json"}, {"--instance-type", "m5.large"}} {
		var errs bytes.Buffer
		if code := dispatch(t.Context(), append([]string{"maxpods"}, args...), stdio{out: brokenWriter{os.ErrClosed}, err: &errs}); code != exitWrong || !strings.Contains(errs.String(), "write the answer") {
			t.Errorf("%v: exit %d, %q; want exit 1 and the reason", args, code, &errs)
		}
	}
}
