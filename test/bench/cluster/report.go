package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/trimtab/trimtab/test/bench/command"
	"github.com/trimtab/trimtab/test/bench/usage"
)

// report is what -json writes: names and units stay, fields may be added.
type report struct {
	Cores   int `json:"cores"`
	Nodes   int `json:"nodes"`
	Pods    int `json:"pods"`
	Objects int `json:"objects"`
	// Ready is after how many seconds each part, and "all" of them, were ready.
	Ready map[string]float64 `json:"readySeconds"`
	measured
	Loops []loopFigures `json:"loops"`
}

// measured is what is known of one program.
type measured struct {
	// Start is when all of it is ready, Rest the end of the time at rest, Collected after a garbage collection.
	Start     figures `json:"start"`
	Rest      figures `json:"rest"`
	Collected figures `json:"collected"`
	// Seconds is how long the time at rest was.
	Seconds float64 `json:"seconds"`
	// Calls are those to the API server in the time at rest, by verb and resource.
	Calls      usage.Calls `json:"calls"`
	CPUSeconds float64     `json:"cpuSeconds"`

	// before is the begin of the time at rest.
	before figures
}

// figures are of the process at one moment.
type figures struct {
	ResidentMiB float64 `json:"residentMiB"`
	PeakMiB     float64 `json:"peakMiB"`
	// AnonymousMiB is what of the resident memory is not the program's file.
	AnonymousMiB float64 `json:"anonymousMiB"`
	// HeapMiB is allocated, garbage included; SystemMiB is what Go has of the kernel.
	HeapMiB     float64 `json:"heapMiB"`
	SystemMiB   float64 `json:"systemMiB"`
	Objects     float64 `json:"heapObjects"`
	Collections float64 `json:"collections"`
	Goroutines  float64 `json:"goroutines"`
	CPUSeconds  float64 `json:"cpuSeconds"`

	metrics metrics
}

type loopFigures struct {
	Part   string  `json:"part"`
	Loop   string  `json:"loop"`
	Count  int     `json:"count"`
	Millis float64 `json:"millis"`
}

func newReport(o options) *report {
	return &report{Cores: runtime.NumCPU(), Nodes: o.nodes, Pods: o.pods, Objects: o.objects}
}

func newFigures(u usage.Usage, m metrics) figures {
	return figures{
		ResidentMiB: command.MiB(float64(u.Resident)), PeakMiB: command.MiB(float64(u.Peak)), AnonymousMiB: command.MiB(float64(u.Anonymous)),
		HeapMiB:   command.MiB(m["go_memstats_heap_alloc_bytes"]),
		SystemMiB: command.MiB(m["go_memstats_sys_bytes"]), Objects: m["go_memstats_heap_objects"], Collections: m["go_gc_duration_seconds_count"],
		Goroutines: m["go_goroutines"], CPUSeconds: u.CPU.Seconds(), metrics: m,
	}
}

// compare notes what happened in the time at rest.
func (m *measured) compare(calls usage.Calls, took time.Duration) {
	m.Seconds, m.Calls, m.CPUSeconds = took.Seconds(), calls, m.Rest.CPUSeconds-m.before.CPUSeconds
}

// goRound notes how often each loop went round meanwhile.
func (r *report) goRound() {
	for _, l := range loops() {
		if n, seconds := l.between(r.before.metrics, r.Rest.metrics); n > 0 {
			r.Loops = append(r.Loops, loopFigures{l.part, l.name, n, 1000 * seconds})
		}
	}
}

func (r *report) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n%d nodes, %d pods, %d VPAs, ScaledObjects and HPAs each, on %d cores that all processes share\n\n", r.Nodes, r.Pods, r.Objects, r.Cores)
	fmt.Fprintln(w, "memory, MiB\tresident\tat the most\twithout the program\theap\tobjects\tof the kernel\tcollections\tgoroutines\tCPU s\t")
	for _, m := range []struct {
		when string
		figures
	}{{"ready", r.Start}, {"at rest", r.Rest}, {"after a collection", r.Collected}} {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t\n", m.when, m.ResidentMiB, m.PeakMiB, m.AnonymousMiB, m.HeapMiB, m.figures.Objects, m.SystemMiB, m.Collections, m.Goroutines, m.figures.CPUSeconds)
	}
	fmt.Fprintln(w, "\npart\tready after s\t")
	for _, part := range slices.SortedFunc(maps.Keys(r.Ready), func(a, b string) int { return cmp.Compare(r.Ready[a], r.Ready[b]) }) {
		fmt.Fprintf(w, "%s\t%.1f\t\n", part, r.Ready[part])
	}
	fmt.Fprintf(w, "\nAt rest, for %.0f s: %.2f s of CPU, %.1f%% of a core\n\n", r.Seconds, r.CPUSeconds, 100*r.CPUSeconds/r.Seconds)
	fmt.Fprintln(w, "part\tloop\ttimes\tms\t")
	for _, l := range r.Loops {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.2f\t\n", l.Part, l.Loop, l.Count, l.Millis)
	}
	fmt.Fprintln(w, "\ncall to the API server\ttimes\ta second\t")
	r.printCalls(w, "")
	_ = w.Flush() // it is a screen or a file; what is lost there is seen
}

// printCalls writes a row for each call.
func (m *measured) printCalls(w io.Writer, start string) {
	for _, call := range slices.Sorted(maps.Keys(m.Calls)) {
		fmt.Fprintf(w, "%s%s\t%d\t%.3f\t\n", start, call, m.Calls[call], float64(m.Calls[call])/m.Seconds)
	}
}
