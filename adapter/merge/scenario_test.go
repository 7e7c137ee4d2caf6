package merge_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/adapter/merge"
	"github.com/trimtab/trimtab/internal/verdict"
)

// TestScenarios runs the files of testdata. A file is a list of steps, divided by empty lines; a step is a
// command, its input, a line of four dashes, and the exact output. TRIMTAB_UPDATE=1 writes the outputs anew.
//
//	prove LABEL[*]...     the input is a query, in which <LABEL> stands for the value asked for; * means that
//	                      several values may be asked for at once. Prints the common query and what is known
//	                      of it, or the refusal
//	long TIMES LABEL...   the refusal of the input, that many times
//	narrow LABEL[=V,V]... the query of the last proof for these values
//	exact LABEL...        window and times of a query that is asked as written, by these labels
//
// All refusals together must show every code.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	w := &world{seen: map[verdict.Code]bool{}}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { w.runFile(t, file) })
	}
	for _, doc := range merge.Codes() {
		if !w.seen[doc.Code] {
			t.Errorf("no scenario is refused by %s", doc.Code)
		}
	}
}

// world is what the steps of a scenario build up.
type world struct {
	seen map[verdict.Code]bool
	form *merge.Form
}

func (w *world) runFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rewritten []string
	for _, step := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		if strings.HasPrefix(step, "#") && !strings.Contains(step, "\n----") {
			rewritten = append(rewritten, step)
			continue
		}
		in, want, _ := strings.Cut(step+"\n", "\n----\n")
		in = strings.TrimSuffix(in, "\n")
		command, input, _ := strings.Cut(in, "\n")
		for strings.HasPrefix(command, "#") {
			command, input, _ = strings.Cut(input, "\n")
		}
		got := strings.TrimSpace(w.run(strings.Fields(command), input))
		if got != strings.TrimSpace(want) {
			t.Errorf("%s\n%s\n got: %s\nwant: %s", command, input, got, strings.TrimSpace(want))
		}
		rewritten = append(rewritten, in+"\n----\n"+got)
	}
	if os.Getenv("TRIMTAB_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(strings.Join(rewritten, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) run(words []string, input string) string {
	switch words[0] {
	case "prove":
		form, err := merge.Prove(input, dimensions(words[1:]))
		if err != nil {
			var r *merge.Refusal
			if errors.As(err, &r) {
				w.seen[r.Rule] = true
			}
			return err.Error()
		}
		w.form = form
		return describe(form)
	case "long":
		times, _ := strconv.Atoi(words[1])
		return w.run(append([]string{"prove"}, words[2:]...), strings.Repeat(input, times))
	case "narrow":
		values := map[string][]string{}
		for _, word := range words[1:] {
			if label, list, ok := strings.Cut(word, "="); ok {
				values[label] = strings.Split(list, ",")
			}
		}
		return w.form.Query(values)
	case "exact":
		window, err := merge.Window(input)
		if err != nil {
			return "window: " + err.Error()
		}
		times, err := merge.Timestamps(input, words[1:])
		if err != nil {
			times = err.Error()
		}
		if merge.Sorted(input) {
			times += "\nsorted"
		}
		return fmt.Sprintf("window: %s\ntimes: %s", window, times)
	}
	return "unknown command " + words[0]
}

func dimensions(words []string) []merge.Dimension {
	var out []merge.Dimension
	for _, word := range words {
		label, several := strings.CutSuffix(word, "*")
		out = append(out, merge.Dimension{Label: label, Sentinel: "<" + label + ">", Several: several})
	}
	return out
}

func describe(f *merge.Form) string {
	var facts []string
	if f.Unique() {
		facts = append(facts, "unique")
	}
	if f.Fragile() {
		facts = append(facts, "fragile")
	}
	if f.Sorted() {
		facts = append(facts, "sorted")
	}
	times, err := f.Timestamps(nil)
	if err != nil {
		times = err.Error()
	}
	out := f.Query(nil)
	if len(facts) > 0 {
		out += "\nrows: " + strings.Join(facts, ", ")
	}
	if len(f.Added()) > 0 {
		out += "\nadded: " + strings.Join(f.Added(), ", ")
	}
	return out + fmt.Sprintf("\nwindow: %s\ntimes: %s", f.Window(), times)
}
