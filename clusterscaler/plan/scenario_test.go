package plan

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each file of testdata holds scenarios: a title after "==", a cluster and its configuration, a line of
// dashes, and the plan with all verdicts. README.md there tells what the lines mean. The plans are
// written anew by `go test ./clusterscaler/plan -update`, and reviewed as a diff.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	update := flag.Lookup("update").Value.String() == "true"
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		blocks := strings.Split("\n"+string(raw), "\n== ")
		out.WriteString(strings.TrimPrefix(blocks[0], "\n"))
		if blocks[0] != "" {
			out.WriteString("\n")
		}
		for _, block := range blocks[1:] {
			title, rest, _ := strings.Cut(block, "\n")
			input, want, _ := strings.Cut(rest, "----\n")
			want = strings.TrimRight(want, "\n")
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+title, func(t *testing.T) {
				got := decideText(t, input)
				if got != want && !update {
					t.Errorf("%s\n%s--- got:\n%s\n--- want:\n%s", title, input, got, want)
				}
				fmt.Fprintf(&out, "== %s\n%s----\n%s\n\n", title, input, got)
			})
		}
		if update {
			if err := os.WriteFile(file, append(bytes.TrimRight(out.Bytes(), "\n"), '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the plans of the scenarios anew")
	os.Exit(m.Run())
}

// decideText runs a scenario. "then" lines begin a further loop with the memory of the one before.
func decideText(t *testing.T, input string) string {
	t.Helper()
	var out []string
	var memory Memory
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	lines := strings.Split(input, "\n")
	for {
		next := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "after ") })
		loop := lines
		if next >= 0 {
			loop = lines[:next]
		}
		b := newBuilder(t, now, memory)
		for _, line := range loop {
			b.line(line)
		}
		s := b.snapshot()
		p, m := Decide(s, b.memory, b.policy, now)
		again, m2 := Decide(b.snapshot(), b.memory, b.policy, now)
		if a, c := render(p, m, now), render(again, m2, now); a != c {
			t.Errorf("the same input gives two plans:\n%s\n%s", a, c)
		}
		if b.explain {
			new(Planner).Reasons(s, b.memory, b.policy, now).Fill(s, &p)
		}
		out = append(out, render(p, m, now)+b.secondLooks())
		if next < 0 {
			return strings.Join(out, "\n\n")
		}
		wait, err := time.ParseDuration(strings.Fields(lines[next])[1])
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(wait)
		memory = m
		for _, up := range p.ScaleUp {
			memory = memory.ScaledUp(up.Group, now.Add(-wait))
		}
		lines = append(slices.Clone(loop), lines[next+1:]...) // later lines replace earlier ones of the same name
	}
}

// secondLooks prints what is found of nodes once all of them have the taint of a node that is going.
func (b *builder) secondLooks() string {
	var out strings.Builder
	s := goingNow(b.snapshot(), b.looks...)
	for _, node := range b.looks {
		r, v := Recheck(s, Memory{Memory: b.memory.Memory}, b.policy, b.now, node)
		fmt.Fprintf(&out, "\nSECOND LOOK at %s", v)
		if r.Empty {
			out.WriteString(", empty")
		}
	}
	return out.String()
}

// render prints a plan for people.
func render(p Plan, m Memory, now time.Time) string {
	var b strings.Builder
	for _, up := range p.ScaleUp {
		fmt.Fprintf(&b, "GROW %s %d -> %d for %s\n", up.Group, up.From, up.To, strings.Join(up.Pods, " "))
	}
	for _, r := range p.ScaleDown {
		fmt.Fprintf(&b, "REMOVE %s of %s", r.Node, r.Group)
		for _, move := range r.Moves {
			fmt.Fprintf(&b, ", %s to %s", move.Pod, move.To)
		}
		b.WriteString("\n")
	}
	for _, less := range p.GiveUp {
		fmt.Fprintf(&b, "GIVE UP %s %d -> %d\n", less.Group, less.From, less.To)
	}
	for _, gone := range p.Unregistered {
		fmt.Fprintf(&b, "DELETE %s of %s\n", strings.Join(gone.Instances, " "), gone.Group)
	}
	for _, r := range p.Resume {
		fmt.Fprintf(&b, "RESUME %s of %s\n", r.Node, r.Group)
	}
	if len(p.ScaleUp)+len(p.ScaleDown)+len(p.GiveUp)+len(p.Unregistered)+len(p.Resume) == 0 {
		b.WriteString("NOTHING TO DO\n")
	}
	if !p.Next.IsZero() {
		fmt.Fprintf(&b, "look again in %s\n", p.Next.Sub(now))
	}
	for _, v := range p.Verdicts() {
		if v.Code != ClusterHealthy {
			fmt.Fprintln(&b, v)
		}
	}
	for _, pod := range p.Pending {
		for _, why := range pod.Why {
			if pod.Group != "" {
				fmt.Fprintf(&b, "%s not in %s\n", pod.Pod, why)
			}
		}
	}
	for _, name := range slices.Sorted(mapKeys(m.Backoffs)) {
		fmt.Fprintf(&b, "backed off: %s for %s\n", name, m.Backoffs[name].Until.Sub(now))
	}
	return strings.TrimRight(b.String(), "\n")
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
