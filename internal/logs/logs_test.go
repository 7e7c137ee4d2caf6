package logs

import (
	"bytes"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Each message and value is a short line, whatever its type and whoever logs it.
func TestALogLineIsBounded(t *testing.T) {
	t.Parallel()
	flood := strings.Repeat("x\n", 5<<19)
	type secretless struct{ Text string }
	values := map[string]any{
		"string": flood, "error": errors.New(flood), "stringer": &url.URL{Path: flood}, "marshaler": verdict.On("pod", flood),
		"object": &corev1.Pod{Status: corev1.PodStatus{Message: flood}}, "struct": secretless{flood}, "list": []string{flood},
		"bytes": []byte(flood), "group": slog.GroupValue(slog.String("inner", flood)), "nil": (*url.URL)(nil), flood: 1,
	}
	for _, format := range []string{"text", "json"} {
		for name, value := range values {
			var out bytes.Buffer
			log := New(&out, slog.LevelInfo, format == "json")
			log.With(name, value).Warn(flood, name, value)                // our own
			logr.FromSlogHandler(log.Handler()).Info(flood, "key", value) // klog, controller-runtime
			slog.NewLogLogger(log.Handler(), slog.LevelWarn).Print(flood) // package log
			lines := strings.Count(out.String(), "\n")
			if out.Len() > 16<<10 || lines != 3 || !strings.Contains(out.String(), "(cut, of ") {
				t.Errorf("%s of a %.10q: %d bytes in %d lines: %.200s", format, name, out.Len(), lines, out.String())
			}
		}
	}
}

// What is short is logged in the form that it had.
func TestTheLogKeepsTheFormOfShortValues(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := New(&out, slog.LevelInfo, true)
	log.Info("hello", "n", 3, "list", []string{"a", "b"}, "error", errors.New("e"), "subject", verdict.On("pod", "a/b"), "none", nil)
	_, got, _ := strings.Cut(out.String(), `,"level"`)
	if want := `:"INFO","msg":"hello","n":3,"list":["a","b"],"error":"e","subject":"pod a/b","none":null}` + "\n"; got != want {
		t.Errorf("got\n%s want\n%s", got, want)
	}
}
