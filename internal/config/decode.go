package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/text"
)

// MaxFileBytes bounds the input of Decode. A configuration is text written by hand.
const MaxFileBytes = 4 << 20

// maxAliasNodes bounds the nodes visited through YAML aliases, which can nest to billions.
const maxAliasNodes = 100_000

// Validator is implemented by a Config that checks more than its fields' types. The paths of its problems are relative
// to the value. The decoder adds the value's own path.
type Validator interface {
	Validate() Problems
}

// Decode reads one YAML document of data into into, a pointer to a struct with the defaults. The `yaml` tag is the name
// of a field. A field of type yaml.Node accepts anything. name is the file's name in errors.
//
// A pointer to a struct is a section: it is nil unless the file has its key. An empty section (nothing, only comments,
// null, {}) has its defaults. A field tagged `null:"none"` stays nil without a value, as its format requires.
//
// All problems are returned at once, as a Problems error: first those of decoding, in the order of the file, then those
// of the Validators. A value is validated if all of it was decoded without a problem, even if there are problems elsewhere.
func Decode(name string, data []byte, into any) error {
	if len(data) > MaxFileBytes {
		return Problems{{File: name, Message: fmt.Sprintf("the file has more than %d bytes", MaxFileBytes)}}
	}
	root, err := Document{Line: 1, Data: data}.Root(name)
	if err != nil {
		return err
	}
	d := &decode{file: name}
	if root != nil { // an empty file is all defaults
		d.value(root, reflect.ValueOf(into).Elem(), "")
	}
	if d.visited <= maxAliasNodes {
		d.validate(reflect.ValueOf(into), "", around(d.problems))
	}
	return d.problems.AsError()
}

// around is the set of the paths of all values that contain a problem.
func around(ps Problems) map[string]bool {
	paths := map[string]bool{}
	for _, p := range ps {
		path := p.Path
		for !paths[path] {
			paths[path] = true
			path = path[:max(strings.LastIndexAny(path, ".["), 0)]
		}
	}
	return paths
}

type decode struct {
	file     string
	problems Problems
	// aliased is how many aliases lead to the current value. visited is how many values were visited through aliases.
	aliased, visited int
}

func (d *decode) fail(n *yaml.Node, path, format string, args ...any) {
	d.problems = append(d.problems, Problem{File: d.file, Line: n.Line, Path: path, Message: fmt.Sprintf(format, args...)})
}

// follow returns the target of an alias, or n itself. Call leave when the target was decoded.
func (d *decode) follow(n *yaml.Node) (target *yaml.Node, leave func()) {
	if n.Kind != yaml.AliasNode {
		return n, func() {}
	}
	d.aliased++
	return n.Alias, func() { d.aliased-- }
}

// visit counts a value behind an alias, and says whether it may be decoded.
func (d *decode) visit(n *yaml.Node, path string) bool {
	if d.aliased == 0 {
		return d.visited <= maxAliasNodes
	}
	if d.visited++; d.visited == maxAliasNodes+1 {
		d.fail(n, path, "the file expands to more than %d values", maxAliasNodes)
	}
	return d.visited <= maxAliasNodes
}

func (d *decode) value(n *yaml.Node, into reflect.Value, path string) {
	n, leave := d.follow(n)
	defer leave()
	if !d.visit(n, path) {
		return
	}
	if isNull(n) {
		if !isSection(into.Type()) {
			return // an empty value keeps the default
		}
		n = &yaml.Node{Kind: yaml.MappingNode, Line: n.Line}
	}
	if tree, ok := into.Addr().Interface().(*yaml.Node); ok { // its owner decodes it
		*tree = *n
		return
	}
	if _, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(n, into, path)
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		if into.IsNil() {
			into.Set(reflect.New(into.Type().Elem()))
			setDefaults(into.Elem())
		}
		d.value(n, into.Elem(), path)
	case reflect.Struct:
		d.object(n, into, path)
	case reflect.Map:
		d.mapping(n, into, path)
	case reflect.Slice:
		d.list(n, into, path)
	default:
		d.scalar(n, into, path)
	}
}

// isSection is true if a type is a pointer to a struct of settings.
func isSection(t reflect.Type) bool {
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return false
	}
	switch reflect.Zero(t).Interface().(type) {
	case *yaml.Node, encoding.TextUnmarshaler:
		return false
	}
	return true
}

// isNull is true if a key has no value.
func isNull(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// text calls the type's own parser for a scalar.
func (d *decode) text(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "%s is expected, not %s", kindName(into.Type()), nodeName(n))
		return
	}
	if err := into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Value)); err != nil {
		d.fail(n, path, "%v", err)
	}
}

func (d *decode) object(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "a mapping is expected, not %s", nodeName(n))
		return
	}
	fields, names := fieldsOf(into)
	d.eachKey(n, path, func(key string, keyNode, value *yaml.Node) {
		field, ok := fields[key]
		if !ok {
			d.fail(keyNode, join(path, printable(key)), "unknown key%s", placeOf(key, path, fields, names))
			return
		}
		if field.nullIsNone && isNull(value) {
			return
		}
		before := len(d.problems)
		d.value(value, field.value, join(path, key))
		if field.secret {
			for i := before; i < len(d.problems); i++ {
				d.problems[i].Message = "invalid value (not shown: it is a secret)"
			}
		}
	})
}

func (d *decode) mapping(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "a mapping is expected, not %s", nodeName(n))
		return
	}
	if into.IsNil() { // otherwise a merge key has set it
		into.Set(reflect.MakeMap(into.Type()))
	}
	d.eachKey(n, path, func(key string, _, value *yaml.Node) {
		element := reflect.New(into.Type().Elem()).Elem()
		d.value(value, element, join(path, printable(key)))
		into.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), element)
	})
}

// eachKey calls f once for each key, and reports duplicate keys. A key may repeat a key from a merge key (<<).
func (d *decode) eachKey(n *yaml.Node, path string, f func(key string, keyNode, value *yaml.Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		keyNode, value := n.Content[i], n.Content[i+1]
		if isMerge(keyNode) {
			d.merge(value, path, f)
			continue
		}
		if keyNode.Kind != yaml.ScalarNode {
			d.fail(keyNode, path, "a key must be a plain word, not %s", nodeName(keyNode))
			continue
		}
		if line, twice := first[keyNode.Value]; twice {
			d.fail(keyNode, join(path, printable(keyNode.Value)), "duplicate key; it stands on line %d already", line)
			continue
		}
		first[keyNode.Value] = keyNode.Line
		f(keyNode.Value, keyNode, value)
	}
}

func (d *decode) list(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "a list is expected, not %s%s", nodeName(n), mistaken(n, into))
		return
	}
	list := reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content))
	for i, element := range n.Content {
		setDefaults(list.Index(i))
		d.value(element, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	into.Set(list)
}

// mistaken is what a list's type says about a mapping in its place, as the end of a sentence.
func mistaken(n *yaml.Node, into reflect.Value) string {
	told, ok := into.Addr().Interface().(interface{ MistakenFor(keys []string) string })
	if !ok || n.Kind != yaml.MappingNode {
		return ""
	}
	var keys []string
	for i := 0; i < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i].Value)
	}
	return told.MistakenFor(keys)
}

// setDefaults fills in a value before the file is decoded over it.
func setDefaults(v reflect.Value) {
	if withDefaults, ok := v.Addr().Interface().(interface{ SetDefaults() }); ok {
		withDefaults.SetDefaults()
	}
}

func (d *decode) scalar(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "%s is expected, not %s", kindName(into.Type()), nodeName(n))
		return
	}
	// A string field accepts any scalar as it is written: `version: 1.10` is not 1.1.
	if into.Kind() == reflect.String {
		into.SetString(n.Value)
		return
	}
	if err := n.Decode(into.Addr().Interface()); err != nil || cutOff(n, into.Kind()) {
		d.fail(n, path, "%s is not %s", text.Quote(n.Value), kindName(into.Type()))
	}
}

// cutOff is true if a number with a fraction was decoded into a whole number. The YAML library accepts that.
func cutOff(n *yaml.Node, kind reflect.Kind) bool {
	if n.ShortTag() != "!!float" || kind == reflect.Float32 || kind == reflect.Float64 {
		return false
	}
	f, err := strconv.ParseFloat(n.Value, 64)
	return err != nil || f != math.Trunc(f)
}

// validate calls each Validate, outermost first. It skips values in which failed reports a problem.
func (d *decode) validate(v reflect.Value, path string, failed map[string]bool) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if v.CanAddr() && !failed[path] {
		if checked, ok := v.Addr().Interface().(Validator); ok {
			for _, p := range checked.Validate() {
				p.File, p.Path = d.file, join(path, p.Path)
				d.problems = append(d.problems, p)
			}
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		fields, names := fieldsOf(v)
		for _, name := range names {
			d.validate(fields[name].value, join(path, name), failed)
		}
	case reflect.Slice:
		for i := range v.Len() {
			d.validate(v.Index(i), fmt.Sprintf("%s[%d]", path, i), failed)
		}
	}
}

type field struct {
	value              reflect.Value
	secret, nullIsNone bool
}

// fieldsOf lists the fields of a struct that have a yaml tag, by name and in order. Fields of an inlined struct are
// included.
func fieldsOf(v reflect.Value) (map[string]field, []string) {
	fields := map[string]field{}
	var names []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			inner, innerNames := fieldsOf(v.Field(i))
			for _, n := range innerNames {
				fields[n] = inner[n]
			}
			names = append(names, innerNames...)
		case name != "" && name != "-" && f.IsExported():
			fields[name] = field{value: v.Field(i), secret: f.Tag.Get("secret") == "true", nullIsNone: f.Tag.Get("null") == "none"}
			names = append(names, name)
		}
	}
	return fields, names
}

func join(path, key string) string {
	switch {
	case path == "":
		return key
	case key == "":
		return path
	case strings.HasPrefix(key, "["):
		return path + key
	default:
		return path + "." + key
	}
}

// nodeName does not repeat a scalar: if it was written instead of a section, it may be that section's secret.
func nodeName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a plain value"
	}
}

func kindName(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(interface{ ConfigKind() string }); ok {
		return named.ConfigKind()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "text"
	}
}
