package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Locate sets the line of each problem that has none: the line of the value at its path in doc or, if the value is
// missing, of the nearest value around it. Afterwards the problems are in the order of their lines. A problem without a
// path concerns all of doc: it gets the first line of doc, or none if doc is the first document.
func (ps Problems) Locate(doc Document) {
	lacksLine := func(p Problem) bool { return p.Line == 0 && (p.Path != "" || doc.Line > 1) }
	if !slices.ContainsFunc(ps, lacksLine) {
		return
	}
	root, err := doc.Root("")
	if err != nil || root == nil {
		return
	}
	for i := range ps {
		if lacksLine(ps[i]) {
			ps[i].Line = lineOf(root, ps[i].Path) + doc.Line - 1
		}
	}
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}

// lineOf follows path from n as far as it exists.
func lineOf(n *yaml.Node, path string) int {
	line := n.Line
	for path != "" {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			var key *yaml.Node
			if key, next, path = entry(n, path); key != nil {
				line = key.Line
			}
		case yaml.SequenceNode:
			if next, path = element(n, path); next != nil {
				line = next.Line
			}
		}
		if next == nil {
			return line
		}
		n = next
	}
	return line
}

// entry finds the key of a mapping that path starts with. It takes the longest, since a key may contain dots.
func entry(n *yaml.Node, path string) (key, value *yaml.Node, rest string) {
	longest := -1
	for i := 0; i+1 < len(n.Content); i += 2 {
		after, ok := strings.CutPrefix(path, n.Content[i].Value)
		if ok && len(n.Content[i].Value) > longest && (after == "" || after[0] == '.' || after[0] == '[') {
			longest = len(n.Content[i].Value)
			key, value, rest = n.Content[i], n.Content[i+1], strings.TrimPrefix(after, ".")
		}
	}
	return key, value, rest
}

// element finds the element of a list that path starts with: "[2].name".
func element(n *yaml.Node, path string) (*yaml.Node, string) {
	index, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	i, err := strconv.Atoi(index)
	if !ok || err != nil || i < 0 || i >= len(n.Content) {
		return nil, ""
	}
	return n.Content[i], strings.TrimPrefix(rest, ".")
}
