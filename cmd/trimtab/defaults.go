package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const defaultsHeading = `## Every setting of trimtab with its default. A part runs when its section stands in the file.
## Only vpa is on here: it writes recommendations into the status of VerticalPodAutoscalers, and resizes no pod.
## To turn on another part, take "# " off the lines of its section; adapter needs rules, and clusterScaler groups.
## To turn vpa off, put "# " before the lines of its section.
`

// writeDefaults prints the whole configuration. It enables no part that changes workloads or nodes, or that would
// replace a server of the metrics APIs.
func writeDefaults(output outputFormat, s stdio) error {
	if output == "json" {
		return defaultsAsJSON(s.out)
	}
	return defaultsAsYAML(s.out)
}

// defaultsAsYAML comments out what is disabled: most parts, and inner sections without a default.
func defaultsAsYAML(w io.Writer) error {
	text, err := allDefaults()
	if err != nil {
		return err
	}
	text = regexp.MustCompile(`(?m)^( +)(\w+): null$`).ReplaceAll(text, []byte("$1# $2: {}"))
	out := bytes.NewBufferString(defaultsHeading)
	off := false
	for line := range bytes.Lines(text) {
		if key, _, ok := strings.Cut(string(line), ":"); ok && line[0] != ' ' {
			off = slices.Contains([]string{"adapter", "scalers", "clusterScaler"}, key)
		}
		if off {
			out.WriteString("# ")
		}
		out.Write(line)
	}
	_, err = out.WriteTo(w)
	return err
}

// defaultsAsJSON has every section, for programs that want to know the defaults.
func defaultsAsJSON(w io.Writer) error {
	text, err := allDefaults()
	if err != nil {
		return err
	}
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("read the defaults: %w", err)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(all)
}

func allDefaults() ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := encoder.Encode(withAllSections())
	return text.Bytes(), err
}
