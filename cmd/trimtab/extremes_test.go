package main

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/config"
)

// everySetting has each part, and one element of each list with numbers.
const everySetting = `
server: {address: "127.0.0.1:0", debugAddress: "127.0.0.1:0"}
prometheus: {}
adapter:
  securePort: 0
  sources: [{name: other, url: "http://other:9090"}]
  delegates: [{name: old, service: {namespace: monitoring, name: adapter}}]
  rules: [{seriesQuery: 'requests{pod!=""}', resources: {template: "<<.Resource>>"}, metricsQuery: "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"}]
  externalRules: [{seriesQuery: queue_length, resources: {namespaced: false}, metricsQuery: "sum(<<.Series>>{<<.LabelMatchers>>})"}]
scalers: {}
vpa: {}
clusterScaler:
  provider: kwok
  headroom: [{name: spare, count: 1, requests: {cpu: 1}}]
  kwok: {groups: [{name: workers, max: 3, template: {instanceType: m5.large}}]}
`

// number is a setting with a number or a duration.
type number struct {
	// at are the keys and positions that lead to it.
	at   []any
	kind reflect.Type
}

func (n number) path() string {
	var b strings.Builder
	for _, step := range n.at {
		if i, is := step.(int); is {
			fmt.Fprintf(&b, "[%d]", i)
		} else {
			fmt.Fprintf(&b, ".%v", step)
		}
	}
	return b.String()[1:]
}

// numbersOf finds the numbers of a configuration. What is nil has those of its type.
func numbersOf(v reflect.Value, at []any) (all []number) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v = reflect.New(v.Type().Elem())
		}
		v = v.Elem()
	}
	_, isText := v.Addr().Interface().(encoding.TextUnmarshaler)
	_, isTree := v.Addr().Interface().(*yaml.Node)
	_, isDuration := v.Interface().(config.Duration)
	switch {
	case isDuration, !isText && (v.CanInt() || v.CanUint() || v.CanFloat()):
		return []number{{slices.Clone(at), v.Type()}}
	case isText, isTree:
		return nil
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			switch {
			case option == "inline":
				all = append(all, numbersOf(v.Field(i), at)...)
			case name != "" && name != "-":
				all = append(all, numbersOf(v.Field(i), append(at, name))...)
			}
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			all = append(all, numbersOf(v.Index(i), append(at, i))...)
		}
	}
	return all
}

// extremes are values of the type, as a file has them.
func extremes(t reflect.Type) []string {
	switch {
	case t == reflect.TypeFor[config.Duration]():
		return []string{"2562047h47m16.854775807s", "1000000h", "1ns", "0s"}
	case t.Kind() == reflect.Float64:
		return []string{"1e308", "-1e308", "1e-308", ".nan", ".inf", "0"}
	case t.Kind() == reflect.Int32:
		return []string{fmt.Sprint(math.MaxInt32), fmt.Sprint(math.MinInt32), "0"}
	default:
		return []string{fmt.Sprint(math.MaxInt64), fmt.Sprint(math.MinInt64), fmt.Sprint(math.MaxInt32), "0"}
	}
}

// with is the file with another value of a setting.
func with(t *testing.T, file string, at []any, value string) []byte {
	t.Helper()
	var root map[string]any
	if err := yaml.Unmarshal([]byte(file), &root); err != nil {
		t.Fatal(err)
	}
	var in any = root
	for i, step := range at {
		if last := i == len(at)-1; last {
			in.(map[string]any)[step.(string)] = &yaml.Node{Kind: yaml.ScalarNode, Value: value}
			break
		}
		if n, is := step.(int); is {
			in = in.([]any)[n]
			continue
		}
		below, key := in.(map[string]any), step.(string)
		if below[key] == nil {
			below[key] = map[string]any{}
		}
		in = below[key]
	}
	out, err := yaml.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// check and run agree about each number: check refuses an extreme value with its path, the value and the bound, or run
// makes its parts with it, in little memory.
func TestExtremeNumbersAreRefusedOrWork(t *testing.T) {
	cfg, err := decodeConfig("trimtab.yaml", []byte(everySetting))
	if err != nil {
		t.Fatal(err)
	}
	all := numbersOf(reflect.ValueOf(cfg), nil)
	refused, built := 0, 0
	for _, n := range all {
		for _, value := range extremes(n.kind) {
			cfg, err := decodeConfig("trimtab.yaml", with(t, everySetting, n.at, value))
			if err != nil {
				refused++
				if wrong := unhelpful(err, n, value); wrong != "" {
					t.Errorf("%s: %s: %s\n%v", n.path(), value, wrong, err)
				}
				continue
			}
			built++
			if value == ".nan" || value == ".inf" {
				t.Errorf("%s: %s is accepted, and is no number", n.path(), value)
			}
			if wrong := unbuilt(t, cfg); wrong != "" {
				t.Errorf("%s: %s is accepted by check, and run: %s", n.path(), value, wrong)
			}
		}
	}
	t.Logf("%d numbers: %d values are refused, with %d the parts are made", len(all), refused, built)
	if len(all) < 100 || refused < 150 {
		t.Errorf("only %d numbers and %d refusals", len(all), refused)
	}
}

// unhelpful is what the refusal of a value lacks.
func unhelpful(err error, n number, value string) string {
	shown := value
	switch value {
	case ".nan":
		shown = "NaN"
	case ".inf":
		shown = "+Inf"
	case "1e308", "-1e308":
		shown = strings.Replace(value, "e", "e+", 1)
	case "1000000h":
		shown = "1000000h0m0s"
	}
	key, path := fmt.Sprint(n.at[len(n.at)-1]), n.path()
	for line := range strings.Lines(err.Error()) {
		_, message, found := strings.Cut(line, ": "+path+": ")
		if !found { // of two settings that contradict each other the message names the other one
			_, message, found = strings.Cut(line, ": "+strings.TrimSuffix(path, key))
			found = found && strings.Contains(message, key)
		}
		if !found {
			continue
		}
		if !strings.Contains(message, shown) && !strings.Contains(message, value) {
			return "the value is not named"
		}
		if rest := strings.NewReplacer(shown, "", value, "").Replace(message); !regexp.MustCompile(`\d|zero|negative`).MatchString(rest) {
			return "the bound is not named"
		}
		return ""
	}
	return "the path is not named"
}

// unbuilt makes all parts as run does, and says what went wrong.
func unbuilt(t *testing.T, cfg *configFile) (wrong string) {
	defer func() {
		if p := recover(); p != nil {
			wrong = fmt.Sprint("panics: ", p)
		}
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := assemble(t.TempDir(), "trimtab.yaml", cfg)
	if err != nil {
		return err.Error()
	}
	web, err := listen(cfg.Server, r.shared, r.services)
	if err != nil {
		return err.Error()
	}
	_ = web.listener.Close()
	_ = web.debug.listener.Close()
	runtime.ReadMemStats(&after)
	if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 64 {
		return fmt.Sprintf("takes %d MiB at once", grown)
	}
	return ""
}
