package config

import (
	"fmt"
	"strings"
	"testing"
)

// Merge keys are read as prometheus-adapter's YAML library reads them. Each list of groups is paired with what it means.
func TestDecodeMerges(t *testing.T) {
	t.Parallel()
	type pair struct {
		Name string `yaml:"name"`
		Max  int    `yaml:"max"`
	}
	type item struct {
		Name   string            `yaml:"name"`
		Labels map[string]string `yaml:"labels"`
		List   []string          `yaml:"list"`
		Sub    pair              `yaml:"sub"`
	}
	const base = "- &base {name: base, labels: {a: b}, list: [x], sub: {name: s, max: 1}}\n- "
	for _, c := range []struct{ in, want string }{
		{"{<<: *base}", "{base map[a:b] [x] {s 1}}"},
		{"{<<: *base, name: own}", "{own map[a:b] [x] {s 1}}"},
		{"{name: own, <<: *base}", "{base map[a:b] [x] {s 1}}"}, // not as YAML says, but as prometheus-adapter does
		{"{<<: *base, labels: {c: d}, list: [y], sub: {max: 2}}", "{base map[a:b c:d] [y] {s 2}}"},
		{"{<<: {<<: *base, name: between}, list: []}", "{between map[a:b] [] {s 1}}"},
		{"{<<: [{name: first}, *base]}", "{first map[a:b] [x] {s 1}}"},
		{"{name: n, labels: {<<: {a: 1, b: 2}, b: 3}, sub: {name: s}}", "{n map[a:1 b:3] [] {s 0}}"},
		{"{!!merge <<: *base}", "{base map[a:b] [x] {s 1}}"},
		{`{"<<": *base}`, `f:2: items[1].<<: unknown key; known here: name, labels, list, sub`},
		{"{<<: 1}", "f:2: items[1]: << takes a mapping or a list of mappings, not a plain value"},
		{"{<<: [*base, [x]]}", "f:2: items[1]: << takes a mapping or a list of mappings, not a list"},
		{"{<<: {nam: x}}", `f:2: items[1].nam: unknown key; did you mean "name"?`},
		{"{<<: {name: a, name: b}}", "f:2: items[1].name: duplicate key; it stands on line 3 already"},
		{"&self {<<: *self}", "f:2: items[1]: the file expands to more than 100000 values"},
	} {
		var into struct {
			Items []item `yaml:"items"`
		}
		err := Decode("f", []byte("items:\n"+base+c.in), &into)
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.Error(), "f:3", "f:2")
		} else {
			got = fmt.Sprint(into.Items[1])
		}
		if got != c.want {
			t.Errorf("%s\n got: %s\nwant: %s", c.in, got, c.want)
		}
		if first := fmt.Sprint(into.Items[0]); err == nil && first != "{base map[a:b] [x] {s 1}}" {
			t.Errorf("%s: the base became %s", c.in, first)
		}
	}
}
