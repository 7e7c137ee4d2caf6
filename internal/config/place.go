package config

import (
	"reflect"
	"slices"
	"strings"
)

// placeOf suggests where an unknown key may belong, as the end of a sentence: in a section below path that has the key,
// or under a similar name. A typing error of one letter is more likely than a wrong section.
func placeOf(key, path string, fields map[string]field, names []string) string {
	var places []string
	for _, name := range names {
		t := fields[name].value.Type()
		if isSection(t) {
			t = t.Elem()
		}
		if !isSection(reflect.PointerTo(t)) {
			continue
		}
		if inside, _ := fieldsOf(reflect.New(t).Elem()); inside[key].value.IsValid() {
			places = append(places, join(join(path, name), key))
		}
	}
	slip := func(name string) bool { return Distance(key, name) == 1 }
	if len(places) == 0 || slices.ContainsFunc(names, slip) {
		return Suggest(key, names)
	}
	return "; its place is " + strings.Join(places, " or ")
}
