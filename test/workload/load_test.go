package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, " 12.5\n": 12.5, "10000": 10000} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("parseRate(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "NaN", "Inf", "10001", "12 rps", "0x"} {
		if got, err := parseRate(text); err == nil {
			t.Errorf("parseRate(%q) = %v, want an error", text, got)
		}
	}
}

func TestPacer(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var p pacer
	for i, step := range []struct {
		ms   int
		rate float64
		want int
	}{
		{0, 100, 0}, // the first call only takes the time
		{10, 100, 1},
		{15, 100, 0}, // half a request stays owed
		{20, 100, 1},
		{1020, 100, 100},
		{9020, 100, 100}, // a pause is not made up for
		{9000, 100, 0},   // nor does a clock that goes back take anything away
		{9100, 0, 0},
		{9200, 5, 0},
		{9300, 5, 1},
	} {
		if got := p.due(at(step.ms), step.rate); got != step.want {
			t.Errorf("step %d at %dms: %d requests, want %d", i, step.ms, got, step.want)
		}
	}
}

// 2ms of work are 2000 blocks here; half a core carries 250 such requests a second.
func TestPlanKeepsBelowMaxCPU(t *testing.T) {
	p := plan{work: 2 * time.Millisecond, maxCPU: 0.5, blocksPerSecond: 1e6}
	for rate, want := range map[float64]int{0: 2000, 1: 2000, 250: 2000, 500: 1000, 5000: 100} {
		if got := p.blocks(rate); got != want {
			t.Errorf("at %v requests a second each has %d blocks, want %d", rate, got, want)
		}
	}
	p.blocksPerSecond = 10
	if got := p.blocks(10000); got != 1 {
		t.Errorf("%d blocks, want at least one", got)
	}
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "load")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, rate := loadFile{path: path}, &wish{}
	want := func(what string, expected float64) {
		t.Helper()
		f.read(rate)
		if rate.rate() != expected {
			t.Errorf("%s: the rate is %v, want %v", what, rate.rate(), expected)
		}
	}
	rate.set(3)
	want("no file changes nothing", 3)
	write("40\n")
	want("a number counts", 40)
	rate.set(7)
	want("an unchanged file does not undo a later wish", 7)
	write("")
	want("an empty file, as while it is written, changes nothing", 7)
	write("fast")
	want("nonsense changes nothing", 7)
	write("0")
	want("zero is a number", 0)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	rate.set(5)
	want("a file that is gone changes nothing", 5)
}

func TestNoRequestsBeforeThePodsAreKnown(t *testing.T) {
	w, rate := newTestWeb(t), &wish{}
	rate.set(1000)
	ctx, cancel := context.WithCancel(t.Context())
	asked, ended := 0, make(chan struct{})
	go func() {
		defer close(ended)
		generate(ctx, w, rate, plan{time.Millisecond, 1, 1e6}, func() bool {
			if asked++; asked == 5 {
				cancel()
			}
			return false
		})
	}()
	<-ended
	if w.failed.Load() != 0 {
		t.Errorf("%d requests failed before the first list of pods", w.failed.Load())
	}
}
