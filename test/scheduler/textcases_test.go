package scheduler_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/test/scheduler"
)

var update = flag.Bool("update", false, "write the answers of kube-scheduler in the text cases anew")

// Each file of testdata is a cluster, and what is asked about it; README.md there tells how they are read. Both answer as it
// says. The answers are written anew by `go test -C test -run TextCases ./scheduler -update`, and reviewed as a diff.
func TestTextCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no text cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := scheduler.Read(file, text)
			if err != nil {
				t.Fatal(err)
			}
			if c.Comment == "" {
				t.Errorf("%s: the first line is no comment that says what the case shows", file)
			}
			answers, err := replay(t.Context(), c)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for i, s := range asks(c) {
				for _, problem := range mismatches(s, answers[i], *update) {
					t.Errorf("%s: %s", file, problem)
				}
			}
			if *update {
				fill(c, answers)
				if err := os.WriteFile(file, c.Rewrite(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// mismatches are where the answers differ from each other, and from the text unless that is to be updated.
func mismatches(s *scheduler.Step, answers []answer, update bool) []string {
	var out []string
	for j := range answers {
		a := &answers[j]
		if differ(a.got, a.want) != "" {
			out = append(out, fmt.Sprintf("line %d: %s", s.Line, a.difference(s.Pod)))
		}
		says := ""
		if len(s.Want) > 0 {
			says = s.Want[j].Says
		}
		if says != a.want.String() && !update {
			out = append(out, fmt.Sprintf("line %d: pod %s on node %s: the text says %q, kube-scheduler %q", s.Line, s.Pod, a.node, says, a.want))
		}
	}
	return out
}
