package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"

	"github.com/trimtab/trimtab/test/bench/usage"
)

// leftOut says what trimtab does and none of the peers.
const leftOut = "cluster-autoscaler is left out: it is no Go module that the module proxy serves, so that it cannot be built as the others are."

// peersReport is what -json writes of the peers: names and units stay, fields may be added.
type peersReport struct {
	Cores    int          `json:"cores"`
	Nodes    int          `json:"nodes"`
	Pods     int          `json:"pods"`
	Objects  int          `json:"objects"`
	Programs []peerReport `json:"programs"`
}

type peerReport struct {
	Name string `json:"name"`
	// HealthySeconds is when it says that it is healthy, WorksSeconds when it does its work, after the start of all.
	HealthySeconds float64 `json:"healthySeconds"`
	WorksSeconds   float64 `json:"worksSeconds"`
	measured
}

func newPeersReport(o options) *peersReport {
	return &peersReport{Cores: runtime.NumCPU(), Nodes: o.nodes, Pods: o.pods, Objects: o.objects}
}

// together is what all of them take.
func (r *peersReport) together() peerReport {
	sum := peerReport{Name: "together", measured: measured{Calls: usage.Calls{}}}
	for _, p := range r.Programs {
		sum.HealthySeconds, sum.WorksSeconds = max(sum.HealthySeconds, p.HealthySeconds), max(sum.WorksSeconds, p.WorksSeconds)
		sum.Start, sum.Rest, sum.Collected = sum.Start.plus(p.Start), sum.Rest.plus(p.Rest), sum.Collected.plus(p.Collected)
		sum.CPUSeconds += p.CPUSeconds
		for call, n := range p.Calls {
			sum.Calls[call] += n
		}
		sum.Seconds = p.Seconds
	}
	return sum
}

func (f figures) plus(g figures) figures {
	return figures{
		ResidentMiB: f.ResidentMiB + g.ResidentMiB, PeakMiB: f.PeakMiB + g.PeakMiB, AnonymousMiB: f.AnonymousMiB + g.AnonymousMiB,
		HeapMiB: f.HeapMiB + g.HeapMiB, SystemMiB: f.SystemMiB + g.SystemMiB, Objects: f.Objects + g.Objects,
		Collections: f.Collections + g.Collections, Goroutines: f.Goroutines + g.Goroutines, CPUSeconds: f.CPUSeconds + g.CPUSeconds,
	}
}

// print writes the peers, and trimtab of the same cluster beside them.
func (r *peersReport) print(out io.Writer, ours *report) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\nThe programs that trimtab takes the place of, all started at one moment in the same cluster after trimtab had ended.\n%s\n\n", leftOut)
	fmt.Fprintln(w, "at rest, MiB\tresident\tat the most\twithout the program\theap\tof the kernel\tresident collected\theap collected\tgoroutines\t")
	rows := slices.Concat(r.Programs, []peerReport{r.together(), {Name: "trimtab", HealthySeconds: ours.Ready["all"], WorksSeconds: max(ours.Ready["all"], ours.Ready[hpasMade]), measured: ours.measured}})
	for _, p := range rows {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", p.Name, p.Rest.ResidentMiB, p.Rest.PeakMiB, p.Rest.AnonymousMiB,
			p.Rest.HeapMiB, p.Rest.SystemMiB, p.Collected.ResidentMiB, p.Collected.HeapMiB, p.Rest.Goroutines)
	}
	fmt.Fprintln(w, "\nprogram\thealthy after s\tworks after s\tCPU s until then\tat rest, of a core\t")
	for _, p := range rows {
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t%.1f%%\t\n", p.Name, p.HealthySeconds, p.WorksSeconds, p.Start.CPUSeconds, 100*p.CPUSeconds/p.Seconds)
	}
	fmt.Fprintln(w, "\ncall to the API server\ttimes\ta second\t")
	for _, p := range r.Programs {
		p.printCalls(w, p.Name+": ")
	}
	for _, p := range rows[len(r.Programs):] {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t\n", p.Name, p.Calls.Total(), float64(p.Calls.Total())/p.Seconds)
	}
	_ = w.Flush() // it is a screen or a file; what is lost there is seen
}
