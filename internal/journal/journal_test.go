package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/trimtab/trimtab/internal/verdict"
)

func newJournal(capacity int) (*Journal, *bytes.Buffer) {
	var log bytes.Buffer
	now := time.Unix(0, 0).UTC()
	return New(capacity, slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry(), func() time.Time {
		now = now.Add(time.Second)
		return now
	}), &log
}

func TestARepeatedVerdictIsCountedNotLoggedAgain(t *testing.T) {
	j, log := newJournal(4)
	for n := range 3 {
		j.Record("cluster", verdict.Because(verdict.On("node", "a"), "Unneeded", verdict.Number("round", n)))
	}
	j.Record("cluster", verdict.Because(verdict.On("node", "a"), "Removed"))
	if got := strings.Count(log.String(), "msg=decided"); got != 2 {
		t.Errorf("%d lines logged, want one for each change of code:\n%s", got, log)
	}
	entries := j.Recent(Filter{Subject: "node a"})
	if len(entries) != 2 || entries[0].Code != "Removed" || entries[1].Times != 3 || entries[1].Message != "Unneeded: round 2" {
		t.Errorf("entries %+v", entries)
	}
	if got := testutil.ToFloat64(j.decisions.WithLabelValues("cluster", "Unneeded")); got != 3 {
		t.Errorf("trimtab_decisions_total counts %v, want 3", got)
	}
}

// A code that its part documents as a failure is a warning in the log, and every other one is not.
func TestFailuresAreWarnings(t *testing.T) {
	j, log := newJournal(4)
	j.Document("vpa", codes())
	j.Record("vpa", verdict.Because(verdict.On("vpa", "a/b"), "TargetChanged"), verdict.Because(verdict.On("vpa", "a/c"), "StatusFailed"), verdict.Because(verdict.On("vpa", "a/d"), "Undocumented"))
	j.Record("adapter", verdict.Because(verdict.On("metric", "x"), "StatusFailed"))
	for subject, level := range map[string]string{"vpa a/b": "INFO", "vpa a/c": "WARN", "vpa a/d": "INFO", "metric x": "INFO"} {
		if want := fmt.Sprintf("level=%s msg=decided part=", level); !strings.Contains(lineWith(log.String(), subject), want) {
			t.Errorf("%s is logged as %q", subject, lineWith(log.String(), subject))
		}
	}
}

func codes() []verdict.CodeDoc {
	return []verdict.CodeDoc{{Code: "TargetChanged", Meaning: "it changed"}, {Code: "StatusFailed", Severity: verdict.Warning, Meaning: "it failed"}}
}

func lineWith(text, words string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, words) {
			return line
		}
	}
	return ""
}

// What cannot match anything is refused, and the answer says what can be asked for.
func TestHandlerRefusesWhatItDoesNotKnow(t *testing.T) {
	j, _ := newJournal(4)
	j.Document("adapter", []verdict.CodeDoc{{Code: "RuleExposes"}})
	j.Document("vpa", codes())
	j.Record("vpa", verdict.Because(verdict.On("vpa", "a/b"), "TargetChanged"))
	for query, want := range map[string]string{
		"":                                "200",
		"part=vpa&code=TargetChanged":     "200",
		"part=adapter":                    "200",
		"code=RuleExposes&part=":          "200",
		"format=text":                     "200",
		"subject=whatever&limit=3":        "200",
		"part=adaptor":                    `400 part "adaptor" is unknown; known: adapter, vpa`,
		"part=keda":                       `400 part "keda" is unknown; known: adapter, vpa`,
		"code=Nothing":                    `400 code "Nothing" is unknown; known: RuleExposes, StatusFailed, TargetChanged`,
		"part=adapter&code=StatusFailed":  `400 code "StatusFailed" is unknown in part adapter; known: RuleExposes`,
		"kind=pod":                        `400 parameter "kind" is unknown; known: code, format, limit, part, subject`,
		"part=vpa&part=adapter":           `400 parameter "part" stands twice`,
		"format=yaml":                     `400 format "yaml" is unknown; known: text, json`,
		"limit=0":                         `400 limit "0" is not a number above zero`,
		"limit=many&format=json":          `400 limit "many" is not a number above zero`,
		"%zz":                             `400 the query cannot be read: invalid URL escape "%zz"`,
		"part=" + strings.Repeat("x", 99): `400 part "` + strings.Repeat("x", 80) + `" is unknown; known: adapter, vpa`,
	} {
		answer := httptest.NewRecorder()
		j.ServeHTTP(answer, httptest.NewRequest("GET", "/debug/decisions?"+query, nil))
		got := fmt.Sprint(answer.Code)
		if answer.Code != 200 {
			got += " " + strings.TrimSpace(answer.Body.String())
		}
		if got != want {
			t.Errorf("?%s\n got: %s\nwant: %s", query, got, want)
		}
	}
}

func TestMemoryIsBoundedByTheCapacity(t *testing.T) {
	j, _ := newJournal(10)
	for n := range 1000 {
		j.Record("p", verdict.Because(verdict.On("pod", fmt.Sprint(n)), "X"))
	}
	if len(j.current) != 10 || len(j.Recent(Filter{})) != 10 {
		t.Errorf("%d subjects and %d entries are kept of 1000", len(j.current), len(j.Recent(Filter{})))
	}
	if newest := j.Recent(Filter{Limit: 1}); newest[0].Subject.Name != "999" {
		t.Errorf("the newest entry is %s", newest[0].Subject)
	}
}

func TestHandlerSpeaksTextAndJSON(t *testing.T) {
	j, _ := newJournal(4)
	j.Record("vpa", verdict.Because(verdict.On("vpa", "a/b"), "TargetChanged", verdict.Milli("cpu", 25)))
	text := httptest.NewRecorder()
	j.ServeHTTP(text, httptest.NewRequest("GET", "/debug/decisions", nil))
	want := `SINCE                 LAST                  TIMES  PART  SUBJECT  DECISION
1970-01-01T00:00:01Z  1970-01-01T00:00:01Z  1      vpa   vpa a/b  TargetChanged: cpu 25m
`
	if text.Body.String() != want {
		t.Errorf("text answer:\n%s\nwant:\n%s", text.Body, want)
	}
	raw := httptest.NewRecorder()
	j.ServeHTTP(raw, httptest.NewRequest("GET", "/debug/decisions?format=json&part=vpa", nil))
	var answer struct {
		Decisions []struct {
			Subject string
			Facts   map[string]float64
		}
	}
	if err := json.Unmarshal(raw.Body.Bytes(), &answer); err != nil || answer.Decisions[0].Facts["cpu_milli"] != 25 {
		t.Errorf("JSON answer %s: %v", raw.Body, err)
	}
}

func TestANilJournalRecordsNothing(t *testing.T) {
	var j *Journal
	j.Record("p", verdict.Because(verdict.On("s", ""), "X"))
	if j.Recent(Filter{}) != nil {
		t.Error("a nil journal has entries")
	}
}

// What happens again with the same outcome is recorded again, with its own words.
func TestWhatHappensIsAnEntryEachTime(t *testing.T) {
	t.Parallel()
	j, log := newJournal(4)
	for _, cause := range []string{"not YAML", "an unknown key"} {
		j.Happened("adapter", verdict.Because(verdict.On("configuration", ""), "ConfigurationRefused", verdict.Text("error", cause)))
	}
	if got := j.Recent(Filter{}); len(got) != 2 || got[0].Message != "ConfigurationRefused: error an unknown key" || got[1].Message != "ConfigurationRefused: error not YAML" {
		t.Errorf("the journal has %+v", got)
	}
	for _, cause := range []string{"not YAML", "an unknown key"} {
		if lineWith(log.String(), cause) == "" {
			t.Errorf("%q is not logged:\n%s", cause, log.String())
		}
	}
}

// Verdicts of texts of 5 MB, on as many subjects as there is room for, take what the constant says and no more.
func TestMemoryIsBoundedWhateverIsRecorded(t *testing.T) {
	const capacity = 1000
	flood := strings.Repeat("päh\x00", 1<<20)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	j := New(capacity, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), time.Now)
	before := heap()
	for i := range 2 * capacity {
		name := fmt.Sprint(i, flood[:16<<10])
		facts := []verdict.Fact{verdict.Text("error", flood)}
		for range i % 500 {
			facts = append(facts, verdict.Text("error", name[:min(len(name), i)]))
		}
		j.Record("scalers", verdict.Because(verdict.On("scaledobject", name).Part("trigger", name), "Failed", facts...))
	}
	if used, most := heap()-before, uint64(capacity*MaxEntryBytes); used > most {
		t.Errorf("%d entries take %d bytes each, which may be %d", capacity, used/capacity, MaxEntryBytes)
	}
	w := httptest.NewRecorder()
	j.ServeHTTP(w, httptest.NewRequest("GET", "/debug/decisions?limit=1&format=json", nil))
	if body := w.Body.String(); len(body) > 4*MaxEntryBytes || !strings.Contains(body, "facts_not_kept") {
		t.Errorf("an entry is shown in %d bytes: %.300s", len(body), body)
	}
	runtime.KeepAlive(j)
}

// What is logged of a verdict is what is kept of it.
func TestALargeVerdictIsASmallLineOfTheLog(t *testing.T) {
	j, log := newJournal(4)
	facts := []verdict.Fact{}
	for range 100 {
		facts = append(facts, verdict.Text("error", strings.Repeat("x", 5<<20)))
	}
	j.Happened("scalers", verdict.Because(verdict.On("scaledobject", "a/b"), "Failed", facts...))
	if log.Len() > 2*MaxEntryBytes {
		t.Errorf("%d bytes are logged", log.Len())
	}
	if last, ok := j.Recent(Filter{})[0].Facts.Lookup("facts not kept"); !ok || last.Value() != "97" {
		t.Errorf("%v", last)
	}
}
