package main

import (
	"fmt"
	"strconv"
	"strings"
)

// metrics are values by name and labels, as /metrics writes them.
type metrics map[string]float64

func readMetrics(text string) (metrics, error) {
	out := metrics{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("a line of /metrics is not understood: %q", line)
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("a line of /metrics is not understood: %w", err)
		}
		out[line[:at]] = value
	}
	return out, nil
}

// loop is a histogram of what a part does again and again: all series of the metric whose labels begin so.
type loop struct{ part, name, metric, labels string }

func loops() []loop {
	const phases = "trimtab_clusterscaler_loop_phase_duration_seconds"
	return []loop{
		{"adapter", "request, custom", "trimtab_adapter_request_duration_seconds", `{api="custom`},
		{"adapter", "request, external", "trimtab_adapter_request_duration_seconds", `{api="external`},
		{"adapter", "discovery", "trimtab_adapter_discovery_duration_seconds", ""},
		{"scalers", "round of one", "trimtab_scalers_round_duration_seconds", ""},
		{"vpa", "round", "trimtab_vpa_round_duration_seconds", ""},
		{"clusterScaler", "loop", "trimtab_clusterscaler_loop_duration_seconds", ""},
		{"clusterScaler", "- observe", phases, `{phase="observe"}`},
		{"clusterScaler", "- decide", phases, `{phase="decide"}`},
		{"clusterScaler", "- act", phases, `{phase="act"}`},
		{"clusterScaler", "- report", phases, `{phase="report"}`},
	}
}

// between is how often the loop went round from before to after, and for how many seconds on average.
func (l loop) between(before, after metrics) (count int, seconds float64) {
	n := after.sum(l.metric+"_count"+l.labels) - before.sum(l.metric+"_count"+l.labels)
	if n <= 0 {
		return 0, 0
	}
	return int(n), (after.sum(l.metric+"_sum"+l.labels) - before.sum(l.metric+"_sum"+l.labels)) / n
}

// sum is that of all series that begin so.
func (m metrics) sum(prefix string) (total float64) {
	for series, value := range m {
		if strings.HasPrefix(series, prefix) {
			total += value
		}
	}
	return total
}
