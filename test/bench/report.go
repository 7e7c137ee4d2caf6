package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/trimtab/trimtab/test/bench/usage"
	"github.com/trimtab/trimtab/test/conformance/proxy"
)

// report is what `--json` writes: names and units stay, fields may be added.
type report struct {
	Cores      int                 `json:"cores"`
	Objects    int                 `json:"objects"`
	Callers    int                 `json:"callers"`
	Throughput []throughputFigures `json:"throughput"`
	Cycles     []cycleFigures      `json:"cycles"`
	Memory     []memoryFigures     `json:"memory"`
}

// throughputFigures are of callers that ask as fast as they are answered.
type throughputFigures struct {
	Adapter string `json:"adapter"`
	// PodSeries is the number of pods that Prometheus has series of.
	PodSeries int    `json:"podSeries"`
	Request   string `json:"request"`
	Requests  int    `json:"requests"`
	Failures  int    `json:"failures"`
	// PerSecond is what the callers got, PerCPUSecond what the adapter gives for a second of one core.
	PerSecond         float64 `json:"perSecond"`
	PerCPUSecond      float64 `json:"perCpuSecond"`
	CPUMillis         float64 `json:"cpuMillisPerRequest"`
	P50Millis         float64 `json:"p50Millis"`
	P99Millis         float64 `json:"p99Millis"`
	QueriesPerRequest float64 `json:"queriesPerRequest"`
	Bytes             int64   `json:"bytesPerAnswer"`
}

// cycleFigures are of one request for each HPA in each 15 s.
type cycleFigures struct {
	Adapter     string  `json:"adapter"`
	DelayMillis int64   `json:"prometheusDelayMillis"`
	Requests    int     `json:"requests"`
	Failures    int     `json:"failures"`
	P50Millis   float64 `json:"p50Millis"`
	P99Millis   float64 `json:"p99Millis"`
	MaxMillis   float64 `json:"maxMillis"`
	// Of each cycle: queries to Prometheus, calls to the API server by verb, seconds of CPU.
	Queries    float64            `json:"queriesPerCycle"`
	APICalls   map[string]float64 `json:"apiCallsPerCycle"`
	AllCalls   float64            `json:"allApiCallsPerCycle"`
	CPUSeconds float64            `json:"cpuSecondsPerCycle"`
}

type memoryFigures struct {
	Adapter     string  `json:"adapter"`
	Series      int     `json:"series"`
	ResidentMiB float64 `json:"residentMiB"`
	PeakMiB     float64 `json:"peakMiB"`
	CPUSeconds  float64 `json:"cpuSeconds"`
	// Served says whether the metric of those series can be asked for.
	Served bool `json:"served"`
}

func newReport(o options) *report {
	return &report{Cores: runtime.NumCPU(), Objects: o.objects, Callers: parallel}
}

func newThroughput(name string, pods int, kind string, l load, cpu time.Duration, queries int) throughputFigures {
	n := float64(len(l.latency))
	return throughputFigures{
		Adapter: name, PodSeries: pods, Request: kind, Requests: len(l.latency), Failures: l.failures,
		PerSecond: n / l.took.Seconds(), PerCPUSecond: n / max(cpu, time.Millisecond).Seconds(), CPUMillis: millis(cpu) / n,
		P50Millis: millis(percentile(l.latency, 50)), P99Millis: millis(percentile(l.latency, 99)),
		QueriesPerRequest: float64(queries) / n, Bytes: l.bytes / int64(len(l.latency)),
	}
}

func newCycle(name string, cycles int, delay time.Duration, l load, cpu time.Duration, asked []proxy.Request, calls usage.Calls) cycleFigures {
	out := cycleFigures{
		Adapter: name, DelayMillis: delay.Milliseconds(), Requests: len(l.latency), Failures: l.failures,
		P50Millis: millis(percentile(l.latency, 50)), P99Millis: millis(percentile(l.latency, 99)), MaxMillis: millis(percentile(l.latency, 100)),
		APICalls: map[string]float64{}, AllCalls: float64(calls.Total()) / float64(cycles), CPUSeconds: cpu.Seconds() / float64(cycles),
	}
	for _, r := range asked {
		if r.Path == "/api/v1/query" {
			out.Queries += 1 / float64(cycles)
		}
	}
	for verb, n := range calls.ByVerb() {
		out.APICalls[verb] = float64(n) / float64(cycles)
	}
	return out
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// percentile is the smallest latency that p percent of all do not exceed; zero of none.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}

func (r *report) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n%d callers that ask as fast as they are answered, on %d cores that all processes share\n\n", r.Callers, r.Cores)
	fmt.Fprintln(w, "pods in Prometheus\trequest\tprogram\trequests/s\tp50 ms\tp99 ms\tCPU ms/request\trequests/CPU s\tqueries/request\tbytes\tfailed\t")
	for _, f := range r.Throughput {
		fmt.Fprintf(w, "%d\t%s\t%s\t%.1f\t%.1f\t%.1f\t%.3f\t%.0f\t%.3f\t%d\t%d\t\n", f.PodSeries, f.Request, f.Adapter, f.PerSecond, f.P50Millis, f.P99Millis,
			f.CPUMillis, f.PerCPUSecond, f.QueriesPerRequest, f.Bytes, f.Failures)
	}
	fmt.Fprintf(w, "\n%d HPAs, each asked for once in 15 s\n\n", r.Objects)
	fmt.Fprintln(w, "Prometheus slower by\tprogram\tp50 ms\tp99 ms\tmax ms\tfailed\tqueries/cycle\tAPI calls/cycle\tof these lists\tCPU s/cycle\t")
	for _, f := range r.Cycles {
		fmt.Fprintf(w, "%d ms\t%s\t%.1f\t%.1f\t%.1f\t%d of %d\t%.1f\t%.1f\t%.1f\t%.2f\t\n", f.DelayMillis, f.Adapter, f.P50Millis, f.P99Millis, f.MaxMillis,
			f.Failures, f.Requests, f.Queries, f.AllCalls, f.APICalls["list"], f.CPUSeconds)
	}
	if len(r.Memory) > 0 {
		fmt.Fprintf(w, "\nMemory after two rounds of discovery\n\n")
		fmt.Fprintln(w, "series behind a rule\tprogram\tMiB\tat the most\tCPU s\tmetric served\t")
	}
	for _, f := range r.Memory {
		fmt.Fprintf(w, "%d\t%s\t%.0f\t%.0f\t%.1f\t%t\t\n", f.Series, f.Adapter, f.ResidentMiB, f.PeakMiB, f.CPUSeconds, f.Served)
	}
	_ = w.Flush() // it is a screen or a file; what is lost there is seen
}
