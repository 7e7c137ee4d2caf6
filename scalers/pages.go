package scalers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/scalers/param"
	"github.com/trimtab/trimtab/scalers/spec"
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
		top := about[name]
		if example, ok := examples()[name]; ok {
			top += "\n\n" + exampleOf(name, example)
		}
		pages[name] = fmt.Sprintf("# Trigger `%s`\n\n%s\n\n%s\n- %s\n\n%s\n", name, top, rows, strings.Join(append(notes, otherKeys), "\n- "), madeBy)
	}
	return pages
}

// examples are the examples of the trigger types that have one.
func examples() map[string]trigger.Example {
	out := map[string]trigger.Example{"cpu": {Metadata: map[string]string{"value": "75"}}, "memory": {Metadata: map[string]string{"value": "75"}}}
	for name, source := range sources(trigger.Env{}) {
		if exemplary, ok := source.(trigger.Exemplary); ok {
			out[name] = exemplary.Example()
		}
	}
	return out
}

// exampleOf is a trigger in YAML, as it stands in an object, and its authentication.
func exampleOf(name string, example trigger.Example) string {
	var out strings.Builder
	fmt.Fprintf(&out, "```yaml\ntriggers:\n- type: %s\n", name)
	if spec.IsResource(name) {
		out.WriteString("  metricType: Utilization\n")
	}
	out.WriteString("  metadata:\n")
	for _, key := range slices.Sorted(maps.Keys(example.Metadata)) {
		value, _ := yaml.Marshal(example.Metadata[key]) // a string is always valid
		fmt.Fprintf(&out, "    %s: %s", key, value)
	}
	if len(example.Auth) > 0 {
		out.WriteString("  authenticationRef:\n    name: source\n")
	}
	out.WriteString("```")
	if len(example.Auth) > 0 {
		fmt.Fprintf(&out, "\n\nThe TriggerAuthentication `source` has the parameters `%s`.", strings.Join(slices.Sorted(maps.Keys(example.Auth)), "`, `"))
	}
	return out.String()
}

// The common text of all pages.
const (
	everyKey = "Where a value stands in several places, the first place of the row counts, as for KEDA. Values are trimmed; an empty one counts as absent.\n" +
		"  `authentication` is the TriggerAuthentication that `authenticationRef` names."
	fromEnv   = "trimtab does not read the environment of the target yet: a key such as `passwordFromEnv` is refused where its value would be needed."
	otherKeys = "Any other key is ignored, as by KEDA, with a warning: by `trimtab check`, in the condition `Ready` and in an Event `KEDAScalerInfo`."
	madeBy    = "This page is made from the code by `go test ./cmd/trimtab -update`. [scalers](../scalers.md) has what all triggers have in common."
)
