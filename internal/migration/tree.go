package migration

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Tree is a configuration that is being written. Its sections are in the order of the configuration file. Settings in a
// section are in the order in which they were set.
type Tree struct {
	root  yaml.Node
	above map[string]string // comments above sections
}

// Above writes a comment of one line above a section.
func (t *Tree) Above(section, comment string) {
	if t.above == nil {
		t.above = map[string]string{}
	}
	t.above[section] = "# " + comment
}

func sections() []string {
	return []string{"log", "kubernetes", "leaderElection", "prometheus", "adapter", "clusterScaler"}
}

// set writes value at path ("prometheus.tls.caFile"), followed by a comment.
func (t *Tree) set(path string, value *yaml.Node, comment string) {
	parts := strings.Split(path, ".")
	at := t.Mapping(parts[:len(parts)-1]...)
	if value.Kind == yaml.ScalarNode {
		value.LineComment = "# " + comment
	}
	put(at, parts[len(parts)-1], value)
	if value.Kind != yaml.ScalarNode { // put the comment after the key, so that it is on the same line
		at.Content[len(at.Content)-2].LineComment = "# " + comment
	}
}

// entry writes a value into the mapping at path. The key may contain dots.
func (t *Tree) entry(path, key string, value *yaml.Node, comment string) {
	value.LineComment = "# " + comment
	put(t.Mapping(strings.Split(path, ".")...), key, value)
}

// Mapping is the mapping at a path. It is made if it is missing.
func (t *Tree) Mapping(path ...string) *yaml.Node {
	t.root.Kind = yaml.MappingNode
	at := &t.root
	for _, key := range path {
		next := lookup(at, key)
		if next == nil {
			next = &yaml.Node{Kind: yaml.MappingNode}
			put(at, key, next)
		}
		at = next
	}
	return at
}

func lookup(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func put(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, scalar(key), value)
}

// scalar is a string, quoted where it would be read as something else.
func scalar(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// YAML is a value in the configuration, with its text for a Setting.
type YAML struct {
	Node  *yaml.Node
	Shown string
}

// Str is a string, quoted where it would be read as something else.
func Str(s string) YAML { return YAML{scalar(s), s} }

// Plain is a number or a boolean.
func Plain(s string) YAML { return YAML{&yaml.Node{Kind: yaml.ScalarNode, Value: s}, s} }

// Strings is a list of strings.
func Strings(list []string) YAML {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, item := range list {
		n.Content = append(n.Content, scalar(item))
	}
	return YAML{n, strings.Join(list, ",")}
}

// YAML is the flag's value in trimtab's notation.
func (v Value) YAML() YAML {
	switch v.Kind {
	case List, Repeated, Words:
		return Strings(v.List())
	case Bool:
		return Plain(strconv.FormatBool(Truth(v.Last)))
	case Whole:
		n, _ := strconv.ParseInt(v.Last, 0, 64) // it may be written as 0x1f
		return Plain(strconv.FormatInt(n, 10))
	case Number:
		n, _ := strconv.ParseFloat(v.Last, 64)
		return Plain(strconv.FormatFloat(n, 'f', -1, 64))
	default:
		return Str(v.Last)
	}
}

// last moves the long keys of a section to its end.
func last(section *yaml.Node, long []string) {
	var settings, rest []*yaml.Node
	for i := 0; i+1 < len(section.Content); i += 2 {
		if pair := section.Content[i : i+2]; slices.Contains(long, pair[0].Value) {
			rest = append(rest, pair...)
		} else {
			settings = append(settings, pair...)
		}
	}
	section.Content = append(settings, rest...)
}

// text is the file, with a heading comment.
func (t *Tree) text(heading string, long []string) (string, error) {
	ordered := yaml.Node{Kind: yaml.MappingNode}
	for _, section := range sections() {
		if n := lookup(&t.root, section); n != nil {
			last(n, long)
			put(&ordered, section, n)
			ordered.Content[len(ordered.Content)-2].HeadComment = t.above[section]
		}
	}
	var out bytes.Buffer
	for line := range strings.Lines(heading) {
		out.WriteString("# " + line + "\n")
	}
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&ordered); err != nil {
		return "", err
	}
	return out.String(), encoder.Close()
}
