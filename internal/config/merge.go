package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// isMerge says that a key is YAML's merge key, <<.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Tag == "!!merge"
}

// merge calls f for each key of the mappings that a merge key names. Of a list the first mapping wins, so it comes last.
//
// As for prometheus-adapter, the value is decoded at its place, over what stands before it: keys behind it win, and of a
// mapping in it single keys can be replaced.
func (d *decode) merge(n *yaml.Node, path string, f func(key string, keyNode, value *yaml.Node)) {
	n, leave := d.follow(n)
	defer leave()
	mappings := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		mappings = n.Content
	}
	for _, m := range slices.Backward(mappings) {
		d.mergeOne(m, path, f)
	}
}

func (d *decode) mergeOne(n *yaml.Node, path string, f func(key string, keyNode, value *yaml.Node)) {
	m, leave := d.follow(n)
	defer leave()
	switch {
	case !d.visit(m, path):
	case m.Kind != yaml.MappingNode:
		d.fail(n, path, "<< takes a mapping or a list of mappings, not %s", nodeName(m))
	default:
		d.eachKey(m, path, f)
	}
}
