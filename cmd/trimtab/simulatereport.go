package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/adapter/offline"
)

// writeSimulated writes the text of `simulate metrics`.
func writeSimulated(w io.Writer, test *offline.Case, result simulated) error {
	var b bytes.Buffer
	writeFindings(&b, result)
	passed, failed, unchecked := 0, 0, 0
	for i, a := range result.Requests {
		writeAnswer(&b, a)
		switch {
		case test.Requests[i].Want == nil:
			unchecked++
		case a.Passed():
			passed++
			fmt.Fprintln(&b, "  PASS")
		default:
			failed++
			fmt.Fprintln(&b, "  FAIL")
			for _, difference := range a.Differences {
				for line := range strings.SplitSeq(difference, "\n") {
					fmt.Fprintf(&b, "    %s\n", visible(line))
				}
			}
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d without a want\n", passed, failed, unchecked)
	_, err := w.Write(b.Bytes())
	return err
}

// writeFindings writes the findings before the first request.
func writeFindings(b *bytes.Buffer, result simulated) {
	for _, note := range result.Notes {
		fmt.Fprintf(b, "note: %s: %s\n", visible(note.Subject), visible(note.Message))
	}
	for _, p := range result.Plan {
		fmt.Fprintf(b, "plan: %s (%s)\n", visible(p.Metric), p.Rule)
		if p.Common != "" {
			fmt.Fprintf(b, "  merged      %s\n", visible(p.Common))
		}
		if p.NotMerged != "" {
			fmt.Fprintf(b, "  not merged  %s\n", visible(p.NotMerged))
		}
		if p.SeveralRows != "" {
			fmt.Fprintf(b, "  several     %s\n", visible(p.SeveralRows))
		}
	}
	for _, query := range result.AskedAhead {
		fmt.Fprintf(b, "asked ahead: %s\n", visible(query))
	}
	if b.Len() > 0 {
		fmt.Fprintln(b)
	}
}

// visible replaces characters that a terminal does not show, as in a Go string.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

func writeAnswer(b *bytes.Buffer, a offline.Answer) {
	items, message := a.Items()
	fmt.Fprintf(b, "GET %s -> %d\n", visible(a.Get), a.Status)
	if message != "" {
		fmt.Fprintf(b, "  says   %s\n", visible(message))
	}
	for _, query := range a.Queries {
		fmt.Fprintf(b, "  asked  %s\n", visible(query))
	}
	if a.Why != "" {
		fmt.Fprintf(b, "  why    %s\n", visible(a.Why))
	}
	table := tabwriter.NewWriter(b, 0, 1, 2, ' ', 0)
	for _, item := range items {
		name := visible(nameOf(item))
		switch {
		case item.Value != "":
			fmt.Fprintf(table, "  value  %s\t%s\n", name, item.Value)
		case item.CPU+item.Memory != "":
			fmt.Fprintf(table, "  usage  %s\tcpu %s\tmemory %s\n", name, item.CPU, item.Memory)
		case item.Containers == nil:
			fmt.Fprintf(table, "  lists  %s\n", name)
		}
		for _, c := range item.Containers {
			fmt.Fprintf(table, "  usage  %s %s\tcpu %s\tmemory %s\n", name, visible(c.Name), c.CPU, c.Memory)
		}
	}
	_ = table.Flush() // into memory
}

// nameOf identifies an item: the object, or the labels of an external metric.
func nameOf(item offline.Item) string {
	if item.Object == "" {
		metric := model.Metric{}
		for key, value := range item.Labels {
			metric[model.LabelName(key)] = model.LabelValue(value)
		}
		return cmp.Or(metric.String(), "{}")
	}
	if item.Namespace == "" {
		return item.Object
	}
	return item.Namespace + "/" + item.Object
}
