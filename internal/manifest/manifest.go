package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	strictjson "sigs.k8s.io/json"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/internal/config"
)

// Decode reads doc into the struct that into points to. doc is one YAML or JSON document of the file of that name. The
// error is a config.Problems: each unknown field, each duplicate field and each value of a wrong type, with its path.
// Field names are case-sensitive, as in the API server.
func Decode(file string, doc []byte, into any) error {
	var ps config.Problems
	text, err := k8syaml.YAMLToJSONStrict(doc)
	if err != nil {
		var root yaml.Node
		if yaml.Unmarshal(doc, &root) == nil && len(root.Content) > 0 {
			repeatedFields(&ps, "", root.Content[0])
		}
		if len(ps) == 0 {
			ps.Add("", "not a Kubernetes object: %v", err)
		}
		return in(file, ps)
	}
	unknown, err := strictjson.UnmarshalStrict(text, into)
	if err != nil {
		wrongValues(&ps, "", text, reflect.TypeOf(into), func(text []byte) []byte { return text })
	}
	for _, err := range unknown {
		var path string
		if field, ok := errors.AsType[strictjson.FieldError](err); ok {
			path = field.FieldPath()
		}
		ps.Add(path, "unknown field%s", config.Suggest(path[strings.LastIndex(path, ".")+1:], siblings(reflect.TypeOf(into), path)))
	}
	return in(file, ps)
}

func in(file string, ps config.Problems) error {
	for i := range ps {
		ps[i].File = file
	}
	return ps.AsError()
}

// repeatedFields finds duplicate fields, which a YAML decoder refuses without a path.
func repeatedFields(ps *config.Problems, path string, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			at := below(path, n.Content[i].Value)
			if seen[at] {
				ps.Add(at, "stands twice in one object; keep one")
			}
			seen[at] = true
			repeatedFields(ps, at, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, element := range n.Content {
			repeatedFields(ps, fmt.Sprintf("%s[%d]", path, i), element)
		}
	}
}

// wrongValues records each value of text, the JSON at path, that its field cannot hold. A decoder stops at the first
// one, and may not name it. So each value is tried alone, in a document that around makes from it.
func wrongValues(ps *config.Problems, path string, text []byte, pointer reflect.Type, around func([]byte) []byte) {
	try := func(text string) error {
		return json.Unmarshal(around([]byte(text)), reflect.New(pointer.Elem()).Interface())
	}
	err := try(string(text))
	if err == nil {
		return
	}
	before := len(*ps)
	var fields map[string]json.RawMessage
	var elements []json.RawMessage
	switch {
	case try("{}") == nil && json.Unmarshal(text, &fields) == nil:
		names := make([]string, 0, len(fields))
		for name := range fields {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			key, _ := json.Marshal(name)
			wrongValues(ps, below(path, name), fields[name], pointer, func(value []byte) []byte {
				return around(slices.Concat([]byte("{"), key, []byte(":"), value, []byte("}")))
			})
		}
	case try("[]") == nil && json.Unmarshal(text, &elements) == nil:
		for i, element := range elements {
			wrongValues(ps, fmt.Sprintf("%s[%d]", path, i), element, pointer, func(value []byte) []byte {
				return around(slices.Concat([]byte("["), value, []byte("]")))
			})
		}
	}
	if len(*ps) == before {
		ps.Add(path, "%s", wrongValue(text, err))
	}
}

// maxQuoted is how many bytes of a value an error repeats.
const maxQuoted = 80

func wrongValue(text []byte, err error) string {
	value := string(bytes.ToValidUTF8(text[:min(len(text), maxQuoted)], nil))
	typed, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return value + ": " + err.Error()
	}
	switch typed.Type.Kind() {
	case reflect.String:
		if value == "true" || value == "false" {
			return value + " is not a string; YAML reads on, off, yes and no like true and false: put it in quotes"
		}
		return kindOf(value) + " is not a string; put it in quotes"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return value + " is not a whole number"
	case reflect.Bool:
		return value + " is not true or false"
	case reflect.Slice:
		return kindOf(value) + " is not a list"
	case reflect.Map, reflect.Struct:
		return kindOf(value) + " is not a mapping"
	default:
		return fmt.Sprintf("%s is not of the type %s", value, typed.Type)
	}
}

// kindOf is the kind of a value, without repeating it: a password may be a number, or be written instead of a mapping.
func kindOf(value string) string {
	switch {
	case strings.HasPrefix(value, "{"):
		return "a mapping"
	case strings.HasPrefix(value, "["):
		return "a list"
	case strings.HasPrefix(value, `"`):
		return "a text"
	case value == "true", value == "false":
		return value
	default:
		return "a number"
	}
}

// siblings are the names of the fields at path.
func siblings(t reflect.Type, path string) []string {
	steps := strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		name, _, _ := strings.Cut(step, "[")
		field, ok := fieldsOf(t)[name]
		if !ok {
			return nil
		}
		t = field
	}
	fields := fieldsOf(t)
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fieldsOf are the fields of a struct and of its embedded structs, by their JSON names. It follows pointers and lists.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	all := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return all
	}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case name == "" && field.Anonymous:
			for name, inner := range fieldsOf(field.Type) {
				all[name] = inner
			}
		case name != "":
			all[name] = field.Type
		}
	}
	return all
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
