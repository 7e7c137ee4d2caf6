package scalers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/scalers/param"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// tables are the parameters of each trigger type, with cpu and memory.
func tables() map[string]param.Table {
	out := map[string]param.Table{"cpu": new(resourceTrigger).table(""), "memory": new(resourceTrigger).table("")}
	for name, source := range sources(trigger.Env{}) {
		out[name] = source.New().Table()
	}
	return out
}

// Pages are the reference pages of the trigger types, in Markdown, by type.
func Pages() map[string]string {
	const resource = "The %s of the target's pods, as the resource metrics API measures it. The HPA reads it by itself."
	about := map[string]string{"cpu": fmt.Sprintf(resource, "CPU time"), "memory": fmt.Sprintf(resource, "memory")}
	for name, source := range sources(trigger.Env{}) {
		about[name] = source.About()
	}
	pages := map[string]string{}
	for name, table := range tables() {
		rows, notes := table.Markdown(), []string{everyKey}
		if slices.ContainsFunc(table, func(p param.Param) bool { return strings.Contains(string(p.From), string(param.Env)) }) {
			notes = append(notes, fromEnv)
		}
		pages[name] = fmt.Sprintf("# Trigger `%s`\n\n%s\n\n%s\n- %s\n\n%s\n", name, about[name], rows, strings.Join(append(notes, otherKeys), "\n- "), madeBy)
	}
	return pages
}

// The common text of all pages.
const (
	everyKey = "Where a value stands in several places, the first place of the row counts, as for KEDA. Values are trimmed; an empty one counts as absent.\n" +
		"  `authentication` is the TriggerAuthentication that `authenticationRef` names."
	fromEnv   = "trimtab does not read the environment of the target yet: a key such as `passwordFromEnv` is refused where its value would be needed."
	otherKeys = "Any other key is ignored, as by KEDA, with a warning: by `trimtab check`, in the condition `Ready` and in an Event `KEDAScalerInfo`."
	madeBy    = "This page is made from the code by `go test ./cmd/trimtab -update`. [scalers](../scalers.md) has what all triggers have in common."
)
