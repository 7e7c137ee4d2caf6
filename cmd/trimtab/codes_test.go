package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/clusterscaler/eni"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers"
	"github.com/trimtab/trimtab/vpa"
)

const codesIntroduction = `# Verdict codes

Every decision of trimtab is a verdict: a subject, such as ` + "`pod default/web-1`" + ` or ` + "`node n1`" + `, one of the codes below, and facts with numbers.
A code means the same wherever it stands:

- in the log, a line ` + "`msg=decided`" + ` with the attributes ` + "`part`, `subject` and `code`" + `, written when the code of a subject changes, at the level below: WARN is a failure;
- in the metric ` + "`trimtab_decisions_total{part,code}`" + `, which counts every decision, the repeated ones too;
- in ` + "`/debug/decisions`" + `, the recent decisions (` + "`?part=`, `?subject=` and `?code=`" + ` narrow them, ` + "`?format=json`" + ` is for programs);
- as the reason of an Event, where a part writes one for the decision. Events about an action rather than a decision, such as the draining of a node, have reasons of their own.

A part is named here as in the log, the metric and the configuration file.
Two parts may use one word; inside a part each code has one meaning.
This page is made from the code by ` + "`go test ./cmd/trimtab -update`" + `.
`

// codeSection is a heading of docs/reference-codes.md.
type codeSection struct {
	// part is the scope in which a code has one meaning.
	part, heading, about string
	codes                []verdict.CodeDoc
	// unlogged codes have no level.
	unlogged bool
}

func codeSections() []codeSection {
	return []codeSection{
		{part: "adapter", heading: "adapter", about: "Rules, discovery and the requests for metrics.", codes: adapter.Codes()},
		{part: "scalers", heading: "scalers", about: "ScaledObjects, their triggers and their HPAs. Where KEDA has a name for the outcome, it is that name.", codes: scalers.Codes()},
		{part: "vpa", heading: "vpa", about: "VerticalPodAutoscalers, their containers and checkpoints.", codes: vpa.Codes()},
		{part: "clusterScaler", heading: "clusterScaler", about: "Pending pods, node groups, nodes, and at the end why a pod does not fit on a node.", codes: clusterscaler.Codes()},
		{part: "clusterScaler", heading: "trimtab maxpods", about: "What limits the pods of an EC2 instance type (`limitedBy`), and notes on the answer. " +
			"They stand in the answer of [`trimtab maxpods -o json`](maxpods.md), not in the log or the metric.", codes: eni.Codes(), unlogged: true},
	}
}

// docs/reference-codes.md says exactly what the parts say; -update rewrites it.
func TestReferenceOfCodes(t *testing.T) {
	var page strings.Builder
	page.WriteString(codesIntroduction)
	for _, s := range codeSections() {
		columns, rule := "Code | Level | Meaning", "---|---|---"
		if s.unlogged {
			columns, rule = "Code | Meaning", "---|---"
		}
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n| %s |\n|%s|\n", s.heading, s.about, columns, rule)
		for _, d := range s.codes {
			level := d.Severity.String() + " | "
			if s.unlogged {
				level = ""
			}
			fmt.Fprintf(&page, "| `%s` | %s%s |\n", d.Code, level, sentence(d.Meaning))
		}
	}
	golden(t, "../../docs/reference-codes.md", page.String())
}

// Inside a part a code stands once, is fit for the reason of an Event, and has a meaning of its own.
func TestCodesAreDistinct(t *testing.T) {
	name := regexp.MustCompile(`^[A-Z][A-Za-z0-9]{1,127}$`)
	meanings := map[string]string{}
	for _, s := range codeSections() {
		for _, d := range s.codes {
			key := s.part + " " + string(d.Code)
			if old, twice := meanings[key]; twice {
				t.Errorf("%s is documented twice: %q and %q", key, old, d.Meaning)
			}
			meanings[key] = d.Meaning
			if !name.MatchString(string(d.Code)) {
				t.Errorf("%s is not a word in CamelCase", key)
			}
			if d.Meaning == "" || strings.HasSuffix(d.Meaning, ".") || strings.ContainsAny(d.Meaning, "\n|") {
				t.Errorf("%s: the meaning %q is not one sentence without its full stop", key, d.Meaning)
			}
		}
	}
}

// A code that speaks of a failure is a warning. Those that only sound so are named, with the reason.
func TestFailuresAreDocumentedAsWarnings(t *testing.T) {
	expected := map[verdict.Code]string{
		"SelectorRefused":       "the caller's mistake, which it is told",
		"ValueUnusable":         "0/0 is no number",
		"AtomicScaleDownFailed": "cluster-autoscaler's name for a node that stays with its group",
		"NotPromQL":             "requests are asked one by one",
		"QueryUnwritable":       "requests are asked one by one",
		"DimensionUnusable":     "requests are asked one by one",
		"NotJudged":             "one node of many, for one pod",
		"VolumeUnavailable":     "one node of many, for one pod",
		"DevicesUnavailable":    "one node of many, for one pod",
	}
	failure := regexp.MustCompile(`Fail|Error|Refused|Unavailable|Unsupported|Unusable|Missing$|Unhealthy|Trouble|Impossible|could not be|cannot be|failed|did not (say|answer)`)
	for _, s := range codeSections() {
		for _, d := range s.codes {
			_, harmless := expected[d.Code]
			if sounds := failure.MatchString(string(d.Code) + " " + d.Meaning); sounds && !harmless && !s.unlogged && d.Severity != verdict.Warning {
				t.Errorf("%s %s (%s) is logged as %s", s.part, d.Code, d.Meaning, d.Severity)
			} else if harmless && d.Severity == verdict.Warning {
				t.Errorf("%s %s is a warning, which the test says it is not", s.part, d.Code)
			}
		}
	}
}

// sentence begins a meaning with a capital, unless it begins with a name such as minAllowed.
func sentence(meaning string) string {
	first, _, _ := strings.Cut(meaning, " ")
	if strings.ContainsFunc(first, unicode.IsUpper) || meaning == "" {
		return meaning
	}
	return strings.ToUpper(meaning[:1]) + meaning[1:]
}

// docs/scalers has a page for each type of trigger, made from its table of parameters, and no other page; -update rewrites them.
func TestPagesOfTriggers(t *testing.T) {
	const folder = "../../docs/scalers"
	pages := scalers.Pages()
	for name, page := range pages {
		golden(t, filepath.Join(folder, name+".md"), page)
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := pages[strings.TrimSuffix(f.Name(), ".md")]; !ok {
			t.Errorf("docs/scalers/%s is the page of no type of trigger", f.Name())
		}
	}
}
