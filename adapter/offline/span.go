package offline

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

// maxSpan bounds each duration of a file, so that no sum of them overflows.
const maxSpan = 100 * 365 * 24 * time.Hour

// Span is a duration: 10m, 1h30m, 1d, or a number of seconds.
type Span time.Duration

// UnmarshalText reads Prometheus's notation, Go's, or seconds.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := parseSpan(string(text))
	if err != nil {
		return err
	}
	if d < 0 || d > maxSpan {
		return fmt.Errorf("%q is not between 0 and %d years", text, int(maxSpan.Hours()/24/365))
	}
	*s = Span(d)
	return nil
}

func parseSpan(text string) (time.Duration, error) {
	if d, err := model.ParseDuration(text); err == nil {
		return time.Duration(d), nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > 2*maxSpan.Seconds() {
		return 0, fmt.Errorf("%.80q is no span of time; write 10m, 1h30m or a number of seconds", text)
	}
	return time.Duration(math.Round(seconds*1000)) * time.Millisecond, nil
}

// ConfigKind names the type in error messages.
func (s *Span) ConfigKind() string {
	return "a span of time such as 30s or 10m, or a number of seconds"
}
