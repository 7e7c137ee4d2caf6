package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
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
	if !strings.Contains(text.Body.String(), "vpa a/b  TargetChanged: cpu 25m") {
		t.Errorf("text answer:\n%s", text.Body)
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
	bad := httptest.NewRecorder()
	j.ServeHTTP(bad, httptest.NewRequest("GET", "/debug/decisions?limit=x", nil))
	if bad.Code != 400 {
		t.Errorf("a limit that is no number answers %d", bad.Code)
	}
}

func TestANilJournalRecordsNothing(t *testing.T) {
	var j *Journal
	j.Record("p", verdict.Because(verdict.On("s", ""), "X"))
	if j.Recent(Filter{}) != nil {
		t.Error("a nil journal has entries")
	}
}
