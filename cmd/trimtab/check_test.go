package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/trimtab/trimtab/internal/config"
)

// Each file of testdata/check is checked, and all that is said of it stands in testdata/check.txt.
func TestCheckFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/check/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var all strings.Builder
	for _, path := range files {
		said := transcript(t, "check", path)
		all.WriteString("$ trimtab check " + path + "\n" + said + "\n")
		name := filepath.Base(path)
		if bad := strings.HasSuffix(said, "\nexit 1\n"); bad != strings.HasPrefix(name, "bad-") {
			t.Errorf("%s:\n%s", name, said)
		}
		if warned := strings.Contains(said, ": warning: "); warned != strings.HasPrefix(name, "warn-") {
			t.Errorf("%s:\n%s", name, said)
		}
		if strings.Contains(said, "hunter2") {
			t.Errorf("%s: a secret is printed:\n%s", name, said)
		}
		if strings.ContainsFunc(said, func(r rune) bool { return r < ' ' && r != '\n' }) {
			t.Errorf("%s: a control character is printed: %q", name, said)
		}
	}
	golden(t, "testdata/check.txt", all.String())
}

// Three mistakes of three sorts: an unknown key, a value of the wrong kind, a value out of range.
func TestThreeErrorsAreThreeLines(t *testing.T) {
	const path = "testdata/check/bad-three-errors.yaml"
	want := trimtab{code: exitWrong, err: "trimtab: " + path + `:3: prometheus.timeot: unknown key; did you mean "timeout"?
trimtab: ` + path + `:5: scalers.pollingInterval: "30" is not a duration; write a number with its unit, as in 30s, 10m or 1h30m
trimtab: ` + path + `:7: clusterScaler.scaleDownUtilizationThreshold: 50 is not between 0 and 1
`}
	for _, args := range [][]string{{"check", path}, {"run", "--config", path}} {
		if got := runTrimtab(t, "", args...); got != want {
			t.Errorf("%v: exit %d, %q\n got: %s\nwant: %s", args, got.code, got.out, got.err, want.err)
		}
	}
}

// Each configuration that check refuses, run refuses in the same words.
func TestRunRefusesWhatCheckRefuses(t *testing.T) {
	files, err := filepath.Glob("testdata/check/bad-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, path := range files {
		checked := runTrimtab(t, "", "check", "-o", "json", path)
		if !strings.Contains(checked.out, `"kind":"configuration"`) {
			continue
		}
		refused++
		said, got := runTrimtab(t, "", "check", path), runTrimtab(t, "", "run", "--config", path)
		if got.code != exitWrong || !slices.Equal(strings.Fields(got.err), strings.Fields(said.err)) {
			t.Errorf("%s: run ends with %d and\n%s\nand check says\n%s", path, got.code, got.err, said.err)
		}
	}
	if refused < 10 {
		t.Errorf("only %d configurations were tried", refused)
	}
}

func TestCheckStandardInput(t *testing.T) {
	for stdin, want := range map[string]trimtab{
		"scalers: {}":                {exitDone, "standard input: configuration: ok\n", ""},
		"{\"scalers\": {}}":          {exitDone, "standard input: configuration: ok\n", ""},
		"\ufeffscalers: {}\r\n":      {exitDone, "standard input: configuration: ok\n", ""},
		"rules: []":                  {exitDone, "standard input: rule file: ok\n", ""},
		"kind: Pod\napiVersion: v1":  {exitDone, "standard input: Pod: skipped, not a kind that trimtab checks\n", ""},
		"kind: \"P\\no\\ed\"":        {exitDone, "standard input: P o d: skipped, not a kind that trimtab checks\n", ""},
		"":                           {exitWrong, "", "trimtab: standard input: no part is configured; write a section adapter, scalers, vpa or clusterScaler ({} for its defaults)\n"},
		"vpa: {x: 1}\nprometheus: {": {exitWrong, "", "trimtab: standard input:2: not YAML: did not find expected node content\n"},
	} {
		if got := runTrimtab(t, stdin, "check", "-"); got != want {
			t.Errorf("%q: %+v, want %+v", stdin, got, want)
		}
	}
}

// Files that cannot be read or are too large cost one line each; the good ones between them are checked.
func TestCheckUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name string, size int64) {
		if err := os.WriteFile(name, []byte("scalers: {}\n#"), 0o600); err != nil {
			t.Fatal(err)
		}
		if size > 0 {
			if err := os.Truncate(name, size); err != nil { // a hole, read as zeros
				t.Fatal(err)
			}
		}
	}
	write("good.yaml", 0)
	write("large.yaml", config.MaxFileBytes+1)
	write("huge.yaml", maxInputBytes+1)
	got := runTrimtab(t, "", "check", "missing.yaml", "large.yaml", "good.yaml", ".", "huge.yaml")
	want := trimtab{exitWrong, "good.yaml: configuration: ok\n", `trimtab: missing.yaml: no such file or directory
trimtab: large.yaml: the file has more than 4194304 bytes
trimtab: .: is a directory
trimtab: huge.yaml: it has more than 67108864 bytes
`}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A file that is too large is refused before it is parsed, which would cost many times its size. Manifests may be larger.
func TestCheckParsesNoFileThatIsTooLarge(t *testing.T) {
	const rule = "- {seriesQuery: up, metricsQuery: up}\n"
	const object = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n"
	for name, c := range map[string]struct {
		text  string
		bytes int
		want  string
	}{
		"rules":            {"rules:\n" + strings.Repeat(rule, (20<<20)/len(rule)), 20 << 20, "the file has more than 4194304 bytes"},
		"manifests":        {strings.Repeat(object, (20<<20)/len(object)), 20 << 20, "the file has more than 16777216 bytes"},
		"JSON manifest":    {`{"apiVersion":"v1","items":[` + strings.Repeat("{},\n", 5<<20) + "]}", 20 << 20, "the file has more than 16777216 bytes"},
		"smaller manifest": {strings.Repeat(object, 10) + "# " + strings.Repeat("x", 5<<20), 0, ""},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := runTrimtab(t, c.text, "check", "-")
		runtime.ReadMemStats(&after)
		if c.want == "" && got.code != exitDone || c.want != "" && got.err != "trimtab: standard input: "+c.want+"\n" {
			t.Errorf("%s: exit %d, %.200s", name, got.code, got.err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; c.bytes > 0 && took > 10*uint64(c.bytes) {
			t.Errorf("%s: %d MB were taken for a file of %d MB", name, took>>20, c.bytes>>20)
		}
	}
}

// JSON has the same problems as the text, in the same order, equal in each run.
func TestCheckJSON(t *testing.T) {
	files, err := filepath.Glob("testdata/check/*")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"check", "-o", "json"}, files...)
	got, text := runTrimtab(t, "", args...), runTrimtab(t, "", append([]string{"check"}, files...)...)
	if got.code != exitWrong || got.err != "" || strings.Count(got.out, "\n") != 1 {
		t.Fatalf("exit %d, %q", got.code, got.err)
	}
	if again := runTrimtab(t, "", args...); again != got {
		t.Error("a second run prints another answer")
	}
	var answer struct {
		Files []struct {
			File, Kind string
			OK         *bool
			Skipped    bool
			Problems   []problem
			Warnings   []problem
		}
	}
	decoder := json.NewDecoder(strings.NewReader(got.out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, f := range answer.Files {
		if f.Skipped != strings.Contains(text.out, f.File+": "+f.Kind+": skipped") {
			t.Errorf("skipped in JSON is %t: %+v", f.Skipped, f)
		}
		if f.File == "" || f.Kind == "" || f.OK == nil || f.Problems == nil || f.Warnings == nil || *f.OK != (len(f.Problems) == 0) {
			t.Errorf("incomplete: %+v", f)
		}
		for _, p := range f.Problems {
			lines.WriteString("trimtab: " + config.Problem(p).String() + "\n")
		}
		for _, p := range f.Warnings {
			p.Message = "warning: " + p.Message
			lines.WriteString("trimtab: " + config.Problem(p).String() + "\n")
		}
	}
	if lines.String() != text.err {
		t.Errorf("JSON tells\n%s\nand text\n%s", &lines, text.err)
	}
}

// A warning leaves the exit code as it is, but with --strict.
func TestCheckStrict(t *testing.T) {
	const good, warned = "testdata/check/good-rules.yaml", "testdata/check/warn-rules.yaml"
	lenient, strict := runTrimtab(t, "", "check", good, warned), runTrimtab(t, "", "check", "--strict", good, warned)
	if lenient.code != exitDone || strict.code != exitWrong || lenient.err == "" || lenient.err != strict.err {
		t.Errorf("without --strict %+v\nand with it %+v", lenient, strict)
	}
	if strict.out != good+": rule file: ok\n" {
		t.Errorf("--strict says %q", strict.out)
	}
	if got := runTrimtab(t, "", "check", "--strict", good); got.code != exitDone || got.err != "" {
		t.Errorf("a file without warnings: %+v", got)
	}
	var answer struct{ Files []checked }
	inJSON := runTrimtab(t, "", "check", "--strict", "-o", "json", warned)
	if err := json.Unmarshal([]byte(inJSON.out), &answer); err != nil || inJSON.code != exitWrong || inJSON.err != "" {
		t.Fatalf("%+v: %v", inJSON, err)
	}
	if f := answer.Files[0]; f.OK || len(f.Problems) != 0 || len(f.Warnings) != strings.Count(strict.err, "\n") {
		t.Errorf("%+v", f)
	}
}

// Each file that docs/adapter.md shows is accepted, without a warning.
func TestAdapterPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/adapter.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := strings.Split(string(page), "```yaml\n")[1:]
	for _, example := range examples {
		file, _, _ := strings.Cut(example, "```")
		if got := runTrimtab(t, file, "check", "--strict", "-"); got.code != exitDone || got.err != "" {
			t.Errorf("%s\n%s", got.err, file)
		}
	}
	if len(examples) < 3 {
		t.Errorf("the page has %d examples", len(examples))
	}
}

func TestVersion(t *testing.T) {
	text, raw := runTrimtab(t, "", "version"), runTrimtab(t, "", "version", "-o", "json")
	var about map[string]string
	if err := json.Unmarshal([]byte(raw.out), &about); err != nil || raw.code != exitDone || raw.err != "" {
		t.Fatalf("%+v: %v", raw, err)
	}
	for _, key := range []string{"version", "go", "platform", "kubernetes"} {
		if about[key] == "" || !strings.Contains(text.out, about[key]) {
			t.Errorf("%s is %q in JSON; text is %s", key, about[key], text.out)
		}
	}
	if text.code != exitDone || text.err != "" || !strings.HasPrefix(text.out, "trimtab ") || strings.Count(text.out, "\n") != 1 {
		t.Errorf("%+v", text)
	}
}

// Whatever a file holds, check ends with 0 or 1, and says each problem on one printable line.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("testdata/check/*")
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
		if strings.Contains(text, "rulesFile") {
			return // reads whatever file it names
		}
		// Not by dispatch: cobra keeps a little of each command line for ever, and there are millions.
		var said bytes.Buffer
		err := check([]string{"-"}, false, "text", stdio{in: strings.NewReader(text), out: io.Discard, err: &said})
		problems := 0
		for line := range strings.Lines(said.String()) {
			if !strings.Contains(line, ": warning: ") {
				problems++
			}
		}
		if err != nil && !errors.Is(err, errReported) || (err == nil) != (problems == 0) {
			t.Errorf("%v with %q", err, &said)
		}
		for line := range strings.Lines(said.String()) {
			if !strings.HasPrefix(line, "trimtab: standard input") || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
				t.Errorf("a line reads %q", line)
			}
		}
	})
}

// Of a file with thousands of mistakes, check and run report the first and count the others.
func TestThousandsOfMistakesAreToldInPart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "many.yaml")
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "key%d: geheim\n", i)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", file}, {"check", "-o", "json", file}, {"run", "--config", file}} {
		var out, errs bytes.Buffer
		code := dispatch(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs})
		said := out.String() + errs.String()
		if code != exitWrong || len(said) > 64<<10 || !strings.Contains(said, "and 9900 more problems") || strings.Contains(said, "geheim") {
			t.Errorf("%v: exit %d, %d bytes: ...%s", args, code, len(said), said[max(0, len(said)-300):])
		}
	}
}

// An object is checked by the configuration that is given beside it, in any order; alone by the defaults.
func TestCheckObjectsByTheConfigurationBesideThem(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"trimtab.yaml": "scalers: {sources: {allowedNetworks: [127.0.0.0/8], allowedSchemes: [http]}}",
		"so.yaml": `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec:
  scaleTargetRef: {name: web}
  triggers:
  - {type: prometheus, metadata: {serverAddress: "http://127.0.0.1:9090", query: x, threshold: "5"}}
`,
		"other.yaml": `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: other}
spec:
  scaleTargetRef: {name: web}
  triggers:
  - {type: redis, metadata: {address: "redis:6379", listName: x}}
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const refused = "the address lies in 127.0.0.0/8 (loopback), which is refused unless scalers.sources.allowedNetworks has it"
	for args, want := range map[string]trimtab{
		"so.yaml":              {exitWrong, "", "trimtab: so.yaml:7: spec.triggers[0]: serverAddress: " + refused + "\n"},
		"trimtab.yaml so.yaml": {exitDone, "trimtab.yaml: configuration: ok\nso.yaml: ScaledObject web: ok\n", ""},
		"so.yaml trimtab.yaml": {exitDone, "so.yaml: ScaledObject web: ok\ntrimtab.yaml: configuration: ok\n", ""},
		"other.yaml":           {exitDone, "other.yaml: ScaledObject other: ok\n", ""},
		"trimtab.yaml other.yaml": {exitWrong, "trimtab.yaml: configuration: ok\n",
			"trimtab: other.yaml:7: spec.triggers[0]: address: the scheme is not one of scalers.sources.allowedSchemes: http\n"},
	} {
		if got := runTrimtab(t, "", append([]string{"check"}, strings.Fields(args)...)...); got != want {
			t.Errorf("%s: got %+v, want %+v", args, got, want)
		}
	}
}
