package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// isMerge says that a key is YAML's merge key, <<.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Tag == "!!merge"
}

// merge calls f for each key of the mappings of a merge key. In a list the first mapping has precedence, so it comes
// last.
//
// As in prometheus-adapter, the merge key is decoded at its place, over the keys before it. Keys after it have precedence,
// and single keys of a mapping in it can be replaced.
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
