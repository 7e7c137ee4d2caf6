package offline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/internal/config"
)

// mistakes says which values of a JSON document cannot be decoded into a value like into, each with its path below
// path; strict adds the keys that nothing reads. Decoders of the standard library and of the API types tell the first
// only, and not always where.
func mistakes(raw []byte, into any, path string, strict bool) config.Problems {
	m := &mistaken{strict: strict}
	m.value(raw, reflect.TypeOf(into).Elem(), path)
	return m.found
}

type mistaken struct {
	strict bool
	found  config.Problems
}

func (m *mistaken) value(raw json.RawMessage, t reflect.Type, path string) {
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	if err == nil && !m.strict || string(raw) == "null" || len(m.found) >= maxProblems {
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, itself := reflect.New(t).Interface().(json.Unmarshaler)
	switch {
	case err != nil && t == reflect.TypeFor[resource.Quantity]():
		m.found.Add(path, "%s is not a quantity such as 4, 500m or 16Gi", shown(raw))
	case itself && err != nil:
		m.found.Add(path, "%s: %s", shown(raw), printable(err.Error()))
	case itself:
	case t.Kind() == reflect.Struct:
		m.object(raw, t, path)
	case t.Kind() == reflect.Map:
		var entries map[string]json.RawMessage
		if json.Unmarshal(raw, &entries) != nil {
			m.found.Add(path, "a mapping is expected, not %s", shown(raw))
			return
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			m.value(entries[key], t.Elem(), below(path, printable(key)))
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		var elements []json.RawMessage
		if json.Unmarshal(raw, &elements) != nil {
			m.found.Add(path, "a list is expected, not %s", shown(raw))
			return
		}
		for i, element := range elements {
			m.value(element, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case err != nil:
		m.found.Add(path, "%s is not %s", shown(raw), kindName(t.Kind()))
	}
}

func (m *mistaken) object(raw json.RawMessage, t reflect.Type, path string) {
	var entries map[string]json.RawMessage
	if json.Unmarshal(raw, &entries) != nil {
		m.found.Add(path, "a mapping is expected, not %s", shown(raw))
		return
	}
	fields := map[string]reflect.Type{}
	fieldsOf(t, fields)
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		field, known := fields[key]
		switch {
		case known:
			m.value(entries[key], field, below(path, key))
		case m.strict:
			m.found.Add(below(path, printable(key)), "unknown key")
		}
	}
}

// fieldsOf adds the fields of a struct by their names in JSON.
func fieldsOf(t reflect.Type, into map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && (name == "" || option == "inline") && f.Type.Kind() == reflect.Struct {
			fieldsOf(f.Type, into)
		} else if name != "" && name != "-" {
			into[name] = f.Type
		}
	}
}

func kindName(k reflect.Kind) string {
	switch {
	case k == reflect.Bool:
		return "true or false"
	case k >= reflect.Int && k <= reflect.Uint64:
		return "a whole number that fits"
	case k == reflect.Float32 || k == reflect.Float64:
		return "a number"
	default:
		return "text"
	}
}

// shown repeats a plain value, and names another.
func shown(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	switch {
	case bytes.HasPrefix(raw, []byte("{")):
		return "a mapping"
	case bytes.HasPrefix(raw, []byte("[")):
		return "a list"
	default:
		return printable(string(raw))
	}
}

// maxShown is how many bytes of a value or message are repeated.
const maxShown = 200

// printable is text on one line, without signs that a terminal does not show, and not at length.
func printable(text string) string {
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
