package config

import "go.yaml.in/yaml/v3"

// isMerge says that a key is YAML's merge key, <<.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Tag == "!!merge"
}

// merge calls f for each key of the mappings that a merge key names. Of a list the first mapping wins, so it comes last.
//
// As for prometheus-adapter, the value is decoded at its place, over what stands before it: keys behind it win, and of a
// mapping in it single keys can be replaced.
func (d *decode) merge(n *yaml.Node, path string, f func(key string, keyNode, value *yaml.Node)) {
	mappings := []*yaml.Node{n}
	if list := target(n); list.Kind == yaml.SequenceNode {
		mappings = list.Content
	}
	for i := len(mappings) - 1; i >= 0; i-- {
		switch m := target(mappings[i]); {
		case !d.visit(m, path):
			return
		case m.Kind != yaml.MappingNode:
			d.fail(mappings[i], path, "<< takes a mapping or a list of mappings, not %s", nodeName(m))
		default:
			d.eachKey(m, path, f)
		}
	}
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
