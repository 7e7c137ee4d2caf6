package offline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/trimtab/trimtab/internal/config"
)

func TestSpans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "1d": 24 * time.Hour, "1w2d": 9 * 24 * time.Hour, "90": 90 * time.Second,
		"1.5": 1500 * time.Millisecond, "1.5s": 1500 * time.Millisecond, "0": 0, "250ms": 250 * time.Millisecond, "100y": maxSpan,
	} {
		var got Span
		if err := got.UnmarshalText([]byte(text)); err != nil || got != Span(want) {
			t.Errorf("%q: %s, %v; want %s", text, time.Duration(got), err, want)
		}
	}
	for _, text := range []string{"", "soon", "-1", "-1m", "101y", "1e300", "NaN", "Inf", "10 m", strings.Repeat("9", 1000)} {
		var got Span
		if err := got.UnmarshalText([]byte(text)); err == nil || len(err.Error()) > 200 {
			t.Errorf("%q: %s, %v", text, time.Duration(got), err)
		}
	}
}

// Whatever a file holds, reading it ends soon, with a case that is whole or with one printable line a problem.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for step := range strings.SplitSeq(string(data), "\n\n") {
			if _, input, ok := strings.Cut(step, "file\n"); ok {
				input, _, _ = strings.Cut(input, "\n----")
				f.Add([]byte(input))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Decode("f", data)
		if err == nil {
			if c.Store == nil || c.Cluster == nil || c.Now.Before(time.UnixMilli(0)) || len(c.Requests) == 0 {
				t.Errorf("a case that is not whole: %+v", c)
			}
			return
		}
		if _, ok := err.(config.Problems); !ok {
			t.Errorf("an error that is no list of problems: %v", err)
		}
		for line := range strings.Lines(err.Error()) {
			if !strings.HasPrefix(line, "f:") || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
				t.Errorf("a line reads %q", line)
			}
		}
	})
}
