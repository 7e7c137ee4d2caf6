package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/trimtab/trimtab/clusterscaler"
	"github.com/trimtab/trimtab/clusterscaler/offline"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// writeCluster writes the text of `simulate cluster`.
func writeCluster(w io.Writer, r offline.Result) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "At %s, of %s", r.Now.UTC().Format(time.RFC3339), counted(r.Read))
	if len(r.Ignored) > 0 {
		fmt.Fprintf(&b, " (not read: %s)", counted(r.Ignored))
	}
	fmt.Fprintf(&b, ":\n%s\n", clusterSummary(r))
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", visible(note))
	}
	writeGrowth(&b, r)
	writeRemovals(&b, r)
	writeOthers(&b, r)
	writePending(&b, r)
	writeHeadroom(&b, r)
	writeNodes(&b, r)
	_, err := w.Write(b.Bytes())
	return err
}

// counted lists kinds with their numbers: "3 Node, 12 Pod".
func counted(kinds map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		parts = append(parts, fmt.Sprintf("%d %s", kinds[kind], visible(kind)))
	}
	return strings.Join(parts, ", ")
}

// many is a number with its noun.
func many(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// clusterSummary is the result in one line.
func clusterSummary(r offline.Result) string {
	nodes, helped, fit := 0, 0, 0
	for _, up := range r.ScaleUp {
		nodes += up.To - up.From
	}
	for _, p := range r.Pending {
		switch {
		case p.Placed != "":
			helped++
		case p.Code == plan.FitsNow, p.Code == plan.FitsUpcomingNode, p.Code == plan.WaitsForNode:
			fit++
		}
	}
	if len(r.Pending)+len(r.ScaleDown)+len(r.ScaleUp) == 0 {
		return "nothing to do: every pod has a node, and no node would go"
	}
	return fmt.Sprintf("%s would come, %s would go; of %s without a node %d get a new one, %d fit on nodes that stand or come, %d get none",
		many(nodes, "node"), many(len(r.ScaleDown), "node"), many(len(r.Pending), "pod"), helped, fit, len(r.Pending)-helped-fit)
}

// writeGrowth says which groups grow, and why each other group that could have grown does not.
func writeGrowth(b *bytes.Buffer, r offline.Result) {
	if len(r.Groups) == 0 {
		return
	}
	fmt.Fprintf(b, "\nGroups\n")
	grows := map[string]offline.Growth{}
	for _, up := range r.ScaleUp {
		grows[up.Group] = up
	}
	for _, g := range r.Groups {
		up, does := grows[g.Group]
		if does {
			fmt.Fprintf(b, "  %s  %d -> %d for %s\n", visible(g.Group), up.From, up.To, strings.TrimSuffix(many(len(up.Pods), "pod")+": "+some(up.Pods), ": "))
			fmt.Fprintf(b, "    %s\n", visible(g.Message))
			continue
		}
		fmt.Fprintf(b, "  %s  %s\n", visible(g.Group), told(g.Code, g.Message))
	}
}

// told is a message or, without one, the meaning of its code.
func told(code verdict.Code, message string) string {
	if message == string(code) {
		for _, d := range clusterscaler.Codes() {
			if d.Code == code {
				return message + ": " + d.Meaning
			}
		}
	}
	return visible(message)
}

// mostNames is how many names of a list the text shows; JSON has all.
const mostNames = 8

// some names the first of a list. The names may be of a file that somebody else wrote.
func some(names []string) string {
	if more := len(names) - mostNames; more > 1 {
		return fmt.Sprintf("%s and %d more", visible(strings.Join(names[:mostNames], " ")), more)
	}
	return visible(strings.Join(names, " "))
}

func writeRemovals(b *bytes.Buffer, r offline.Result) {
	if len(r.ScaleDown) == 0 {
		return
	}
	fmt.Fprintf(b, "\nNodes that would go\n")
	for _, down := range r.ScaleDown {
		fmt.Fprintf(b, "  %s of %s, %s to move\n", visible(down.Node), visible(down.Group), many(len(down.Moves), "pod"))
		to := map[string][]string{}
		for _, m := range down.Moves {
			to[m.To] = append(to[m.To], m.Pod)
		}
		for _, node := range slices.Sorted(maps.Keys(to)) {
			fmt.Fprintf(b, "    to %s: %s\n", visible(node), some(to[node]))
		}
	}
}

// writeOthers writes what is done about nodes that have not registered, and removals that have not ended.
func writeOthers(b *bytes.Buffer, r offline.Result) {
	if len(r.GiveUp)+len(r.Unregistered)+len(r.Resume) == 0 {
		return
	}
	fmt.Fprintf(b, "\nAlso\n")
	for _, g := range r.GiveUp {
		fmt.Fprintf(b, "  %s  %d -> %d: requested nodes have not come, and are given up\n", visible(g.Group), g.From, g.To)
	}
	for _, u := range r.Unregistered {
		fmt.Fprintf(b, "  %s  instances that have not registered are deleted: %s\n", visible(u.Group), some(u.Instances))
	}
	if len(r.Resume) > 0 {
		fmt.Fprintf(b, "  the removal of these nodes has begun, and goes on: %s\n", some(r.Resume))
	}
}

// writePending writes the decision for each pod without a node. Pods with the same decision are listed together.
func writePending(b *bytes.Buffer, r offline.Result) {
	if len(r.Pending) == 0 {
		return
	}
	fmt.Fprintf(b, "\nPods without a node\n")
	var order []string
	alike := map[string][]string{}
	first := map[string]offline.Pending{}
	for _, p := range r.Pending {
		key := fmt.Sprintf("%q %q %q %q", p.Placed, p.Code, p.Message, p.Why)
		if alike[key] == nil {
			order, first[key] = append(order, key), p
		}
		alike[key] = append(alike[key], p.Pod)
	}
	for _, key := range order {
		p := first[key]
		said := p.Message
		if p.Code == plan.NotTriggerScaleUp { // the message repeats the following list
			said = string(p.Code)
		}
		fmt.Fprintf(b, "  %s: %s\n", some(alike[key]), told(p.Code, said))
		table := tabwriter.NewWriter(b, 0, 1, 2, ' ', 0)
		for _, why := range p.Why {
			fmt.Fprintf(table, "    not in %s\t%s\n", visible(why.Group), told(why.Code, why.Message))
		}
		_ = table.Flush() // into memory
	}
}

// writeHeadroom writes how much of each headroom exists.
func writeHeadroom(b *bytes.Buffer, r offline.Result) {
	if len(r.Headroom) == 0 {
		return
	}
	fmt.Fprintf(b, "\nHeadroom\n")
	for _, h := range r.Headroom {
		fmt.Fprintf(b, "  %s  %s\n", visible(h.Name), visible(h.Message))
	}
}

func writeNodes(b *bytes.Buffer, r offline.Result) {
	if len(r.Nodes) == 0 {
		return
	}
	fmt.Fprintf(b, "\nNodes, how much of each is requested, and why it stays or goes\n")
	table := tabwriter.NewWriter(b, 0, 1, 2, ' ', 0)
	for _, n := range r.Nodes {
		group := visible(n.Group)
		if group == "" {
			group = "-"
		}
		used := verdict.Ratio("utilization", n.Utilization).Value()
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", visible(n.Node), group, used, told(n.Code, n.Message))
	}
	_ = table.Flush() // into memory
}
