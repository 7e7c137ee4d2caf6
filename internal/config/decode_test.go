package config

import (
	"strings"
	"testing"
	"time"
)

type inner struct {
	Name string `yaml:"name"`
	Max  int    `yaml:"max"`
}

func (i *inner) SetDefaults() { i.Max = 10 }

func (i *inner) Validate() Problems {
	var ps Problems
	if i.Name == "" {
		ps.Add("name", "is required")
	}
	return ps
}

type outer struct {
	Every    Duration          `yaml:"every"`
	Password string            `yaml:"password" secret:"true"`
	Port     int               `yaml:"port" secret:"true"`
	On       bool              `yaml:"on"`
	Groups   []inner           `yaml:"groups"`
	Labels   map[string]string `yaml:"labels"`
	Sub      *inner            `yaml:"sub"`
}

func TestDecodeFillsOverDefaults(t *testing.T) {
	c := outer{Every: Duration(time.Minute), On: true}
	err := Decode("f", []byte("every: 90s\nlabels: {a: 1.10}\ngroups: [{name: x}, {name: y, max: 3}]\nsub: {name: s}\non:\n"), &c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Every.Std() != 90*time.Second || c.Labels["a"] != "1.10" || c.Groups[0].Max != 10 || c.Groups[1].Max != 3 || c.Sub.Name != "s" || !c.On {
		t.Errorf("decoded %+v", c)
	}
}

// Each bad file is paired with all of its messages.
func TestDecodeReportsAllProblemsAtOnce(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"evry: 1s\nport: x\ngroups: {}\n", `f:1: evry: unknown key; did you mean "every"?
f:2: port: invalid value (not shown: it is a secret)
f:3: groups: a list is expected, not a mapping`},
		{"every: 10\nevery: 2s", `f:1: every: "10" is not a duration; write a number with its unit, as in 30s, 10m or 1h30m
f:2: every: duplicate key; it stands on line 1 already`},
		{"every: -1s", `f:1: every: "-1s" is negative`},
		{"every: [1]", `f:1: every: a duration such as 30s or 10m is expected, not a list`},
		{"groups: [{max: 2}, {name: a, max: b, zzzzzz: 1}]", `f:1: groups[1].max: "b" is not a whole number
f:1: groups[1].zzzzzz: unknown key; known here: name, max`},
		{"groups: [{max: 2}, {name: a}]", `f: groups[0].name: is required`},
		{"sub: {}", "f: sub.name: is required"},
		{"on: perhaps", `f:1: on: "perhaps" is not true or false`},
		{"labels: {a: 1, a: 2}", "f:1: labels.a: duplicate key; it stands on line 1 already"},
		{"[1, 2]", "f:1: a mapping is expected, not a list"},
		{"a: [", "f: not YAML: line 1: did not find expected node content"},
		{"on: true\n---\non: false", "f: more than one YAML document; one is expected"},
	} {
		err := Decode("f", []byte(c.in), &outer{})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q\n got: %s\nwant: %s", c.in, got, c.want)
		}
	}
}

func TestDecodeStopsAtAliasBombs(t *testing.T) {
	var b strings.Builder
	b.WriteString("labels: &a0 {x: y}\ngroups:\n")
	b.WriteString("- &l0 {name: a}\n")
	bomb := "sub: &b0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		bomb += "k" + string(rune('a'+i)) + ": &b" + string(rune('a'+i)) + " [*b0,*b0]\n"
	}
	if err := Decode("f", []byte(bomb), &outer{}); err == nil {
		t.Error("a file of nothing but unknown keys was accepted")
	}
	type tree struct {
		Kids []tree `yaml:"kids"`
	}
	nested := "kids: &a [{kids: []},{kids: []},{kids: []},{kids: []},{kids: []},{kids: []},{kids: []},{kids: []},{kids: []},{kids: []}]\n"
	doc := "kids:\n- " + strings.ReplaceAll(nested, "\n", "\n  ")
	for i := range 6 {
		prev, next := string(rune('a'+i)), string(rune('b'+i))
		doc += "\n- kids: &" + next + " [" + strings.TrimSuffix(strings.Repeat("{kids: *"+prev+"},", 10), ",") + "]"
	}
	err := Decode("f", []byte(doc), &tree{})
	if err == nil || !strings.Contains(err.Error(), "expands to more than") {
		t.Errorf("an alias bomb decodes to %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("every: 90s\nlabels: {a: 1}\n"))
	f.Add([]byte("groups: [{name: &a x}, {name: *a}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Decode("f", data, &outer{}) // must not panic, hang or grow without bound
	})
}
