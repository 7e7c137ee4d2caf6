package migrate

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tree is a configuration in the making. Its sections stand in the order of the configuration file, what is
// in them in the order in which it was set.
type tree struct {
	root yaml.Node
}

func sections() []string { return []string{"log", "kubernetes", "prometheus", "adapter"} }

// set puts value at path ("prometheus.tls.caFile"), with a comment behind it.
func (t *tree) set(path string, value *yaml.Node, comment string) {
	parts := strings.Split(path, ".")
	at := t.mapping(parts[:len(parts)-1])
	if value.Kind == yaml.ScalarNode {
		value.LineComment = "# " + comment
	}
	put(at, parts[len(parts)-1], value)
	if value.Kind != yaml.ScalarNode { // behind the key, so that it stands in one line with it
		at.Content[len(at.Content)-2].LineComment = "# " + comment
	}
}

// entry puts a value under a key that may hold dots into the mapping at path.
func (t *tree) entry(path, key string, value *yaml.Node, comment string) {
	value.LineComment = "# " + comment
	put(t.mapping(strings.Split(path, ".")), key, value)
}

// mapping is the mapping at a path, made where it is missing.
func (t *tree) mapping(path []string) *yaml.Node {
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
	mapping.Content = append(mapping.Content, text(key), value)
}

// text is a string, quoted where it would be read as something else.
func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// setting is the value of a setting.
type setting struct {
	node  *yaml.Node
	shown string
}

func str(s string) *setting { return &setting{text(s), s} }

// node is the flag's value as YAML, written as trimtab reads it.
func (v value) node() *setting {
	switch v.kind {
	case kindList, kindRepeated:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v.list() {
			n.Content = append(n.Content, text(item))
		}
		return &setting{n, strings.Join(v.list(), ",")}
	case kindBool:
		return plain(strconv.FormatBool(kindBool.truth(v.last)))
	case kindWhole:
		n, _ := strconv.ParseInt(v.last, 0, 64) // it may be written as 0x1f
		return plain(strconv.FormatInt(n, 10))
	case kindNumber:
		n, _ := strconv.ParseFloat(v.last, 64)
		return plain(strconv.FormatFloat(n, 'f', -1, 64))
	default:
		return str(v.last)
	}
}

// plain is a number or a boolean.
func plain(s string) *setting { return &setting{&yaml.Node{Kind: yaml.ScalarNode, Value: s}, s} }

// rulesLast moves the rules behind the settings, since they are long.
func rulesLast(section *yaml.Node) {
	var settings, rules []*yaml.Node
	for i := 0; i+1 < len(section.Content); i += 2 {
		if pair := section.Content[i : i+2]; slices.Contains(ruleKeys(), pair[0].Value) {
			rules = append(rules, pair...)
		} else {
			settings = append(settings, pair...)
		}
	}
	section.Content = append(settings, rules...)
}

// text is the file, under a comment.
func (t *tree) text(heading string) (string, error) {
	ordered := yaml.Node{Kind: yaml.MappingNode}
	for _, section := range sections() {
		if n := lookup(&t.root, section); n != nil {
			rulesLast(n)
			put(&ordered, section, n)
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
