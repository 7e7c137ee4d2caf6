package main

import (
	"bytes"
	"encoding"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// leaf is a setting of the configuration file that is text, or that holds texts.
type leaf struct {
	path   []string
	secret bool
	kind   reflect.Kind
}

// leaves are those of a type, by their keys; [] stands for an element of a list.
func leaves(t reflect.Type, path []string, secret bool) []leaf {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if _, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler); ok {
		return nil
	}
	at := func(key string) []string { return append(append([]string{}, path...), key) }
	var out []leaf
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			switch {
			case option == "inline":
				out = append(out, leaves(f.Type, path, secret)...)
			case name != "" && name != "-":
				out = append(out, leaves(f.Type, at(name), secret || f.Tag.Get("secret") == "true")...)
			}
		}
	case reflect.Slice:
		out = leaves(t.Elem(), at("[]"), secret)
	case reflect.Map:
		out = append(out, leaf{at("X-Key"), secret, reflect.Map})
	case reflect.String:
		out = append(out, leaf{path, secret, reflect.String})
	}
	return out
}

// document is a configuration with a value at a path, as YAML.
func document(path []string, value any) []byte {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == "[]" {
			value = []any{value}
		} else {
			value = map[string]any{path[i]: value}
		}
	}
	raw, _ := yaml.Marshal(value)
	return raw
}

// Nothing that is printed of a configuration holds a secret of it, or the user and password of an address, whether the value
// is right or wrong.
func TestNoSecretOfTheConfigurationIsPrinted(t *testing.T) {
	t.Parallel()
	const mark = "geheimMARK"
	dir, addresses := t.TempDir(), regexp.MustCompile(`(?i)(url|urls\.\[\]|address|server|proxy)$`)
	planted := 0
	for _, l := range leaves(reflect.TypeFor[configFile](), nil, false) {
		name := strings.Join(l.path, ".")
		if !l.secret && !addresses.MatchString(name) {
			continue
		}
		values := []any{"http://" + mark + ":" + mark + "@host:1/?t=" + mark, mark + ":" + mark + "@host:1", "https://u:" + mark + "@[::1", "redis://" + mark + "@h:1/%zz#" + mark}
		if l.secret {
			values = append(values, mark, mark+"\n\x00", []string{mark}, map[string]string{mark: mark, "b": mark})
		}
		for i, value := range values {
			file := filepath.Join(dir, fmt.Sprintf("%s-%d.yaml", strings.ReplaceAll(name, "/", "_"), i))
			if err := os.WriteFile(file, document(l.path, value), 0o600); err != nil {
				t.Fatal(err)
			}
			planted++
			for _, args := range [][]string{{"check", file}, {"check", "-o", "json", "--strict", file}, {"simulate", "metrics", "--rules", file}} {
				var out bytes.Buffer
				dispatch(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &out})
				if strings.Contains(out.String(), "geheim") || out.Len() == 0 {
					t.Errorf("%s with %#v: trimtab %v: %s", name, value, args, out.String())
				}
			}
			// run reads the file in the same way, and would go on to connect if it were right
			if cfg, err := loadConfig(file, stdio{}); err != nil {
				var out bytes.Buffer
				s := stdio{err: &out}
				s.report(logged(cfg, err, s))
				if strings.Contains(out.String(), "geheim") {
					t.Errorf("%s with %#v: trimtab run: %s", name, value, out.String())
				}
			}
		}
	}
	if planted < 40 {
		t.Errorf("only %d secrets are planted; the test looks in the wrong place", planted)
	}
}
