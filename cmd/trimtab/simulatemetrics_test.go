package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Each file of testdata/simulate is run, and all that is said of it stands in testdata/scheduling.txt.
func TestSimulateMetricsFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/simulate/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var all strings.Builder
	for _, path := range files {
		name := filepath.Base(path)
		if name == "rules.yaml" {
			continue
		}
		got := runTrimtab(t, "", "simulate", "metrics", path)
		if bad := strings.HasPrefix(name, "bad-"); bad != (got.err != "") || bad && got.out != "" {
			t.Errorf("%s: %+v", name, got)
		}
		if wrong := strings.HasPrefix(name, "bad-") || strings.HasPrefix(name, "wrong-"); wrong != (got.code == exitWrong) {
			t.Errorf("%s: exit %d", name, got.code)
		}
		said := transcript(t, "simulate", "metrics", path)
		all.WriteString("$ trimtab simulate metrics " + path + "\n" + said + "\n")
		if strings.ContainsFunc(said, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			t.Errorf("%s: a control character is printed: %q", name, said)
		}
	}
	golden(t, "testdata/scheduling.txt", all.String())
}

func TestSimulateMetricsPage(t *testing.T) {
	if page, examples := runPage(t, "../../docs/simulate-metrics.md"); examples < 4 {
		t.Errorf("%d examples in %d bytes", examples, len(page))
	}
}

// JSON has the names of the contract, says what the text says, and is the same in each run.
func TestSimulateMetricsJSON(t *testing.T) {
	for _, path := range []string{"testdata/simulate/web.yaml", "testdata/simulate/planned.yaml", "testdata/simulate/odd.yaml", "testdata/simulate/wrong-wants.yaml", "testdata/simulate/several-rows.yaml", "testdata/simulate/no-items.yaml", "testdata/simulate/no-common-query.yaml"} {
		got := runTrimtab(t, "", "simulate", "metrics", "-o", "json", path)
		text := runTrimtab(t, "", "simulate", "metrics", path)
		if got.err != "" || strings.Count(got.out, "\n") != 1 || got.code != text.code {
			t.Fatalf("%s: exit %d and %d, %q", path, got.code, text.code, got.err)
		}
		var answer struct {
			Plan     []struct{ CommonQuery, NotMerged string }
			Requests []struct {
				Get         string
				Status      int
				Queries     []string
				Body        any
				Differences []string
			}
		}
		if err := json.Unmarshal([]byte(got.out), &answer); err != nil || len(answer.Requests) == 0 {
			t.Fatalf("%s: %v", path, err)
		}
		for _, p := range answer.Plan {
			if (p.CommonQuery == "") == (p.NotMerged == "") {
				t.Errorf("%s: the plan has %+v", path, p)
			}
		}
		failed := false
		for _, r := range answer.Requests {
			if !strings.Contains(text.out, "GET "+r.Get+" -> ") || r.Status == 0 || r.Queries == nil || r.Body == nil {
				t.Errorf("%s: incomplete, or not in the text: %+v", path, r)
			}
			failed = failed || len(r.Differences) > 0
		}
		if failed != (got.code == exitWrong) {
			t.Errorf("%s: exit %d, differences %t", path, got.code, failed)
		}
		for range 10 {
			if again := runTrimtab(t, "", "simulate", "metrics", "-o", "json", path); again != got {
				t.Fatalf("%s: another run prints another answer:\n%s\n%s", path, again.out, got.out)
			}
		}
	}
}

// The plan changes which queries are asked, and no answer.
func TestThePlanAnswersAsSingleRequestsDo(t *testing.T) {
	defer inDirectory(t, "testdata/simulate")()
	asked := map[bool]int{}
	for _, name := range []string{"web.yaml", "resource.yaml", "several-rows.yaml", "utf8-labels.yaml", "no-items.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		answers := map[bool][]string{}
		for _, compat := range []bool{true, false} {
			text := fmt.Sprintf("compat: %t\n%s", compat, strings.Replace(string(data), "compat: false\n", "", 1))
			test, file, err := readSimulation("-", stdio{in: strings.NewReader(text)})
			if err != nil {
				t.Fatal(err)
			}
			result, err := simulateMetrics(t.Context(), test, file)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range result.Requests {
				items, _ := a.Items()
				answers[compat] = append(answers[compat], fmt.Sprint(a.Get, a.Status, items))
				asked[compat] += len(a.Queries)
			}
		}
		if !slices.Equal(answers[true], answers[false]) {
			t.Errorf("%s: exactly\n%q\nby the plan\n%q", name, answers[true], answers[false])
		}
	}
	if asked[true] == 0 || asked[false] >= asked[true] {
		t.Errorf("%d queries for the requests, and by the plan %d", asked[true], asked[false])
	}
}

// From standard input a rule file is relative to the working directory.
func TestSimulateMetricsFromStandardInput(t *testing.T) {
	data, err := os.ReadFile("testdata/simulate/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := runTrimtab(t, string(data), "simulate", "metrics", "-"); got != (trimtab{exitWrong, "", "trimtab: standard input:1: rulesFile: cannot be read: rules.yaml: no such file or directory\n"}) {
		t.Errorf("elsewhere: %+v", got)
	}
	want := runTrimtab(t, "", "simulate", "metrics", "testdata/simulate/web.yaml")
	defer inDirectory(t, "testdata/simulate")()
	if got := runTrimtab(t, string(data), "simulate", "metrics", "-"); got != want {
		t.Errorf("beside it: %+v", got)
	}
}

// A rule may name a server, whose series are the file's too.
func TestSimulateMetricsOfNamedServers(t *testing.T) {
	const file = `{series: [{series: 'a{pod="x",namespace="n"}', values: '3'}], objects: [{resource: pods, namespace: n, name: x}],
rules: [{seriesQuery: a, source: thanos, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}', resources: {template: '<<.Resource>>'}}],
requests: [{get: '/apis/custom.metrics.k8s.io/v1beta1/namespaces/n/pods/x/a', want: {items: [{object: x, value: 3}]}}]}`
	if got := runTrimtab(t, file, "simulate", "metrics", "-"); got.code != exitDone {
		t.Errorf("%+v", got)
	}
}

// No time but that of the file is in an answer.
func TestSimulateMetricsHasNoClock(t *testing.T) {
	const file = `{rules: {resourceRules: {
  cpu: {nodeQuery: 'sum(c{<<.LabelMatchers>>}) by (<<.GroupBy>>)', resources: {overrides: {node: {resource: node}}}},
  memory: {nodeQuery: 'sum(m{<<.LabelMatchers>>}) by (<<.GroupBy>>)', resources: {overrides: {node: {resource: node}}}}}},
objects: [{resource: nodes, name: n}],
series: [{series: 'c{node="n"}', values: 1x9}, {series: 'm{node="n"}', values: 1x9}],
at: 2m,
requests: [{get: /apis/metrics.k8s.io/v1beta1/nodes}]}`
	got := runTrimtab(t, file, "simulate", "metrics", "-o", "json", "-")
	if got.code != exitDone || !strings.Contains(got.out, `"creationTimestamp":"1970-01-01T00:02:00Z"`) {
		t.Errorf("%+v", got)
	}
}

// An interrupted run says so, and a failed write is not silent.
func TestSimulateMetricsEndsEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx context.Context
		s   stdio
	}{
		"interrupted": {ctx, stdio{out: new(bytes.Buffer)}},
		"closed pipe": {t.Context(), stdio{out: brokenWriter{os.ErrClosed}}},
	} {
		var errs bytes.Buffer
		c.s.err = &errs
		if code := dispatch(c.ctx, []string{"simulate", "metrics", "testdata/simulate/web.yaml"}, c.s); code != exitWrong || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s: exit %d, %q", name, code, &errs)
		}
	}
}

// Whatever a file holds, the answer is text that a terminal can show, and the exit code is 0 or 1.
func FuzzSimulateMetrics(f *testing.F) {
	files, err := filepath.Glob("testdata/simulate/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "rulesFile") || strings.Contains(text, "range") {
			return // reads whatever file it names; a template may loop
		}
		got := runTrimtab(t, text, "simulate", "metrics", "-")
		if got.code != exitDone && got.code != exitWrong || got.out == "" && got.err == "" {
			t.Errorf("%+v", got)
		}
		if strings.ContainsFunc(got.out+got.err, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			t.Errorf("a control character is printed: %q", got.out+got.err)
		}
	})
}
