package offline

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	// maxSamples bounds the samples of all series of a file.
	maxSamples = 1_000_000
	// maxInterval times maxSamples fits into an int64 of milliseconds.
	maxInterval = 365 * 24 * time.Hour
)

var errTooManySamples = fmt.Errorf("together the series have more than %d samples; shorten the notation (AxN, A+BxN)", maxSamples)

// newParser reads PromQL as a Prometheus without feature flags does.
func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// parseLabels reads the name and labels of a series.
func parseLabels(p parser.Parser, text string) (labels.Labels, error) {
	if strings.TrimSpace(text) == "" {
		return labels.EmptyLabels(), errors.New(`is required: name{label="value"}`)
	}
	set, err := p.ParseMetric(text)
	switch {
	case err != nil:
		return set, fmt.Errorf("is no series: %w", err)
	case set.Get(model.MetricNameLabel) == "":
		return set, errors.New(`has no name; write name{label="value"}`)
	}
	return set, nil
}

// parseValues reads samples in promtool's notation, the first at time zero, if they cost no more than budget. It always
// returns the cost, also with an error.
func parseValues(p parser.Parser, text string, interval time.Duration, budget uint64) (promql.Series, uint64, error) {
	var out promql.Series
	if strings.TrimSpace(text) == "" {
		return out, 0, errors.New("is required: samples such as '1 2 3' or '0+60x10'")
	}
	cost := costOf(text)
	if cost > budget {
		return out, cost, errTooManySamples
	}
	_, values, err := p.ParseSeriesDesc("a " + text)
	if err != nil && (strings.Contains(text, "NaNx") || strings.Contains(text, "Infx")) {
		return out, cost, fmt.Errorf("are no samples in promtool's notation, where NaN and Inf are repeated as NaN+0x5: %w", err)
	}
	if err != nil {
		return out, cost, fmt.Errorf("are no samples in promtool's notation: %w", err)
	}
	for i, v := range values {
		at := int64(i) * interval.Milliseconds()
		switch {
		case v.Omitted:
		case v.Histogram != nil:
			out.Histograms = append(out.Histograms, promql.HPoint{T: at, H: v.Histogram})
		default:
			out.Floats = append(out.Floats, promql.FPoint{T: at, F: v.Value})
		}
	}
	return out, cost, nil
}

// costOf is an upper bound of the samples in a notation. It does not expand them. In a series of native histograms each
// sample counts by the length of the text, since it may have as many buckets.
func costOf(text string) uint64 {
	const enough = 1 << 40
	samples := uint64(len(strings.Fields(text)))
	for i := 0; i < len(text); i++ {
		if text[i] != 'x' {
			continue
		}
		times := uint64(0)
		for i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
			i++
			times = min(times*10+uint64(text[i]-'0'), enough)
		}
		samples = min(samples+times+1, enough)
	}
	if strings.Contains(text, "{{") {
		samples *= uint64(1 + len(text)/16)
	}
	return samples
}
