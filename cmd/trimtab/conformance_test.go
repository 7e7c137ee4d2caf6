package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What prometheus-adapter answered stands in test/conformance/testdata; trimtab answers the same, with exactly its
// queries, and with the queries of the plan.
func TestSimulateMetricsAsPrometheusAdapterAnswers(t *testing.T) {
	files, err := filepath.Glob("../../test/conformance/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	queries := regexp.MustCompile(`, queries: \[(?:"(?:[^"\\]|\\.)*",?)*\]`)
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"exactly": string(data), "planned": "compat: false\n" + queries.ReplaceAllString(string(data), ""),
		} {
			if got := runTrimtab(t, text, "simulate", "metrics", "-"); got.code != exitDone || strings.Count(got.out, "\n  PASS\n") < 10 {
				t.Errorf("%s, %s: %s%s", filepath.Base(path), name, got.out, got.err)
			}
		}
	}
}
