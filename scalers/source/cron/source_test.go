package cron

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/scalers/trigger"
)

func define(change map[string]string) trigger.Definition {
	metadata := maps.Clone((*Source)(nil).Example().Metadata)
	maps.Copy(metadata, change)
	return trigger.Definition{Namespace: "shop", Type: "cron", Metadata: metadata}
}

func TestWindows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, start, end, at string
		active               bool
	}{
		{"Etc/UTC", "0 8 * * *", "0 18 * * *", "2026-03-02T07:59:59Z", false},
		{"Etc/UTC", "0 8 * * *", "0 18 * * *", "2026-03-02T08:00:00Z", true},
		{"Etc/UTC", "0 8 * * *", "0 18 * * *", "2026-03-02T17:59:59Z", true},
		{"Etc/UTC", "0 8 * * *", "0 18 * * *", "2026-03-02T18:00:00Z", false},
		{"Etc/UTC", "0 22 * * *", "0 6 * * *", "2026-03-02T23:00:00Z", true}, // over midnight
		{"Etc/UTC", "0 22 * * *", "0 6 * * *", "2026-03-02T05:59:00Z", true},
		{"Etc/UTC", "0 22 * * *", "0 6 * * *", "2026-03-02T12:00:00Z", false},
		{"America/New_York", "0 8 * * 1-5", "0 18 * * 1-5", "2026-03-02T14:00:00Z", true},  // Monday, 09:00 there
		{"America/New_York", "0 8 * * 1-5", "0 18 * * 1-5", "2026-03-02T12:59:00Z", false}, // 07:59 there
		{"America/New_York", "0 8 * * 1-5", "0 18 * * 1-5", "2026-03-07T14:00:00Z", false}, // Saturday
		{"Europe/Zurich", "0 2 * * *", "0 4 * * *", "2026-03-29T01:30:00Z", true},          // the night without 02:00 to 03:00: 03:30
		{"Europe/Zurich", "30 1 * * *", "0 4 * * *", "2026-03-29T01:30:00Z", true},
		{"Europe/Zurich", "0 2 * * *", "0 4 * * *", "2026-10-25T01:30:00Z", true}, // the night with 02:00 twice
		{"Etc/UTC", "*/30 * * * *", "15,45 * * * ?", "2026-03-02T10:10:00Z", true},
		{"Etc/UTC", "*/30 * * * *", "15,45 * * * ?", "2026-03-02T10:20:00Z", false},
		{"Etc/UTC", "0 0 31 2 *", "0 18 * * *", "2026-03-02T20:00:00Z", true}, // as KEDA: no start at all
		{"Etc/UTC", "0 8 * * *", "0 0 31 2 *", "2026-03-02T10:00:00Z", false},
		{"Etc/UTC", "0 0 30 2 *", "0 0 31 2 *", "2026-03-02T10:00:00Z", true},
	} {
		checked, err := trigger.Check(define(map[string]string{"timezone": c.zone, "start": c.start, "end": c.end}), New(trigger.Env{}))
		if err != nil {
			t.Fatalf("%s to %s: %v", c.start, c.end, err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		sample, err := checked.Open().Read(t.Context(), at)
		value := 0.0
		if c.active {
			value = 10
		}
		if err != nil || *sample.Active != c.active || sample.Value != value || sample.Empty {
			t.Errorf("%s to %s in %s at %s: %v, active %v, %v", c.start, c.end, c.zone, c.at, sample.Value, *sample.Active, err)
		}
	}
}

func TestMetricOfAWindow(t *testing.T) {
	t.Parallel()
	checked, err := trigger.Check(define(map[string]string{"start": "*/5 8 ? * 1,2"}), New(trigger.Env{Timeout: time.Second}))
	if err != nil || checked.Name != "cron-Europe/Zurich-xSl58Qmx1Cm2-018xx1-5" || checked.Target != 1 {
		t.Errorf("%+v, %v", checked.Metric, err)
	}
}

func TestWrongWindows(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]map[string]string{
		`timezone: "Mars/Olympus" is not a time zone of the IANA database`:   {"timezone": "Mars/Olympus"},
		`timezone: "../../etc/passwd" is not a time zone`:                    {"timezone": "../../etc/passwd"},
		`timezone: is required`:                                              {"timezone": ""},
		`start: "0 8 * *" is not a schedule of five fields`:                  {"start": "0 8 * *"},
		`start: "0 0 8 * * *" is not a schedule of five fields`:              {"start": "0 0 8 * * *"},
		`end: "@daily" is not a schedule of five fields`:                     {"end": "@daily"},
		`end: "TZ=UTC" has a time zone and no fields`:                        {"end": "TZ=UTC"},
		`end: "CRON_TZ=" has a time zone and no fields`:                      {"end": "CRON_TZ="},
		`end: is the same as start`:                                          {"end": "0 8 * * 1-5"},
		`desiredReplicas: "0" is not between 1 and 2147483647`:               {"desiredReplicas": "0"},
		`desiredReplicas: "many" is not a whole number`:                      {"desiredReplicas": "many"},
		`start: "61 8 * * *" is not a schedule of five fields: minute, hour`: {"start": "61 8 * * *"},
	} {
		if _, err := trigger.Check(define(change), New(trigger.Env{})); err == nil || !strings.Contains(err.Error(), "trigger 0 (cron): "+want) {
			t.Errorf("%v: %v, want %s", change, err, want)
		}
	}
}

func TestWarningsOfDatesThatNeverCome(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]map[string]string{
		"start: no date matches it; as in KEDA the trigger is then always active": {"start": "0 0 31 2 *"},
		"end: no date matches it; as in KEDA the trigger is then never active":    {"end": "0 0 31 4,6 *"},
	} {
		checked, err := trigger.Check(define(change), New(trigger.Env{}))
		if err != nil || len(checked.Warnings) != 1 || !strings.HasSuffix(checked.Warnings[0], want) {
			t.Errorf("%v: %q, %v", change, checked.Warnings, err)
		}
	}
}
