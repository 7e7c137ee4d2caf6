package config

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
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
	Foreign  *inner            `yaml:"foreign" null:"none"`
	Limit    *int              `yaml:"limit"`
	Wait     *Duration         `yaml:"wait"`
	Moment   *moment           `yaml:"moment"`
	Nested   nested            `yaml:"nested"`
}

// nested is a section of its own without a pointer.
type nested struct {
	Name  string `yaml:"name"`
	Depth int    `yaml:"depth"`
}

// moment is a struct that is written as text, and so no section.
type moment struct{ text string }

func (m *moment) UnmarshalText(s []byte) error { m.text = string(s); return nil }

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

// However a section is empty, it means its defaults. Other values without one keep theirs, and none is made up.
func TestAnEmptySectionMeansItsDefaults(t *testing.T) {
	for _, empty := range []string{"", "{}", "~", "null", "# max: 5", "\n  # name: x\n", "*nothing"} {
		c := outer{}
		err := Decode("f", []byte("on: &nothing\nsub: "+empty+"\n"), &c)
		if err == nil || err.Error() != "f: sub.name: is required" || c.Sub == nil || c.Sub.Max != 10 {
			t.Errorf("sub: %s decodes to %+v, %v", empty, c.Sub, err)
		}
		if empty == "{}" {
			continue
		}
		for _, key := range []string{"foreign", "limit", "wait", "moment"} {
			c := outer{}
			if err := Decode("f", []byte("on: &nothing\n"+key+": "+empty+"\n"), &c); err != nil || c.Foreign != nil || c.Limit != nil || c.Wait != nil || c.Moment != nil {
				t.Errorf("%s: %s decodes to %+v, %v", key, empty, c, err)
			}
		}
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
f:1: groups[1].zzzzzz: unknown key; known here: name, max
f: groups[0].name: is required`},
		// A key of a section inside of this one, as one that has moved into it.
		{"depth: 2", "f:1: depth: unknown key; its place is nested.depth"},
		{"sup: {}\nmaxi: 1", `f:1: sup: unknown key; did you mean "sub"?
f:2: maxi: unknown key; known here: every, password, port, on, groups, labels, sub, foreign, limit, wait, moment, nested`},
		{"max: 2\nname: x\ntext: y", `f:1: max: unknown key; its place is sub.max or foreign.max
f:2: name: unknown key; its place is sub.name or foreign.name or nested.name
f:3: text: unknown key; known here: every, password, port, on, groups, labels, sub, foreign, limit, wait, moment, nested`},
		{"sub: user:password", "f:1: sub: a mapping is expected, not a plain value"},
		{"groups: [{name: a, max: 1.5}, {name: b, max: 2.0}, {name: c, max: .inf}]", `f:1: groups[0].max: "1.5" is not a whole number
f:1: groups[2].max: ".inf" is not a whole number`},
		{"groups: [{nam: x}]", `f:1: groups[0].nam: unknown key; did you mean "name"?`},
		{"\"a\\nb\": 1", `f:1: "a\nb": unknown key; known here: every, password, port, on, groups, labels, sub, foreign, limit, wait, moment, nested`},
		{"on: " + strings.Repeat("x", 100), `f:1: on: "` + strings.Repeat("x", 80) + `"... is not true or false`},
		{strings.Repeat("k", 100) + ": 1", `f:1: "` + strings.Repeat("k", 80) + `"...: unknown key`},
		{"groups: [{max: 2}, {name: a}]", `f: groups[0].name: is required`},
		{"sub: {}", "f: sub.name: is required"},
		{"on: perhaps", `f:1: on: "perhaps" is not true or false`},
		{"labels: {a: 1, a: 2}", "f:1: labels.a: duplicate key; it stands on line 1 already"},
		{"[1, 2]", "f:1: a mapping is expected, not a list"},
		{"a: [", "f:1: not YAML: did not find expected node content"},
		{"on: true\n---\non: false", "f:3: more than one YAML document; one is expected"},
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

// The line is that of the nearest value that stands in the file.
func TestLocate(t *testing.T) {
	doc := Documents([]byte("# first\na: 1\n---\n\nspec:\n  list:\n  - name: x\n  - {name: y}\n  labels:\n    a.b/c: 1\n  same: &s\n    in: 1\n  other: *s\n"))[1]
	for path, want := range map[string]int{
		"": 5, "nothing": 5, "spec": 5, "spec.gone.deep": 5, "spec.list": 6, "spec.list[1].name": 8, "spec.list[7]": 6, "spec.list[x]": 6,
		"spec.labels.a.b/c": 10, "spec.labels.a": 9, "spec.other.in": 12, "trigger 0 (x)": 5,
	} {
		ps := Problems{{Path: path}, {Path: path, Line: 99}}
		if ps.Locate(doc); ps[0].Line != want || ps[1].Line != 99 {
			t.Errorf("%q is on line %d, want %d", path, ps[0].Line, want)
		}
	}
	ps := Problems{{Path: "spec.labels"}, {Path: "spec.list"}}
	if ps.Locate(doc); ps[0].Path != "spec.list" {
		t.Errorf("not in the order of their lines: %v", ps)
	}
	if ps := (Problems{{Path: "a"}}); true {
		ps.Locate(Document{Line: 1, Data: []byte("a: [")})
		ps.Locate(Document{Line: 1})
		if ps[0].Line != 0 {
			t.Errorf("a file that is no YAML has a line %d", ps[0].Line)
		}
	}
	if ps := (Problems{{Message: "too long"}}); true {
		if ps.Locate(Document{Line: 1, Data: []byte("a: 1")}); ps[0].Line != 0 {
			t.Errorf("a problem of the whole file has line %d", ps[0].Line)
		}
	}
}

func TestDocumentsTellWhereYAMLBreaks(t *testing.T) {
	docs := Documents([]byte("---\n# nothing\n---\na: 1\n--- \nb: [x\nc: d\n"))
	if len(docs) != 2 || docs[0].Line != 4 || docs[1].Line != 6 {
		t.Fatalf("documents %v", docs)
	}
	_, err := docs[1].Root("f")
	if err == nil || !strings.HasPrefix(err.Error(), "f:6: not YAML: did not find") {
		t.Errorf("error %v", err)
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

// A long file is none, whatever else it has.
func TestDecodeReadsLongFiles(t *testing.T) {
	var into outer
	long := "sub: &a {name: a}\nforeign: *a\ngroups:\n" + strings.Repeat("- {name: a, max: 1}\n", maxAliasNodes/2)
	if err := Decode("f", []byte(long), &into); err != nil || len(into.Groups) != maxAliasNodes/2 {
		t.Errorf("%d groups, %v", len(into.Groups), err)
	}
}

// Mappings that are merged through lists of them count as well.
func TestDecodeStopsAtMergedBombs(t *testing.T) {
	doc := "groups:\n- &a [{name: a}]\n"
	for i := range 20 {
		prev, next := string(rune('a'+i)), string(rune('b'+i))
		doc += "- &" + next + " [{<<: *" + prev + "},{<<: *" + prev + "}]\n"
	}
	doc += "sub: {<<: *u}\n"
	err := Decode("f", []byte(doc), &outer{})
	if err == nil || !strings.Contains(err.Error(), "expands to more than") {
		t.Errorf("%v", err)
	}
}

// A tree takes whatever stands there, for its owner to decode.
func TestDecodeLeavesATreeAsItIs(t *testing.T) {
	var into struct {
		Whole yaml.Node `yaml:"whole"`
		None  yaml.Node `yaml:"none"`
	}
	if err := Decode("f", []byte("whole: {any: [1, {b: c}]}\nnone:\n"), &into); err != nil {
		t.Fatal(err)
	}
	var got struct{ Any []any }
	if err := into.Whole.Decode(&got); err != nil || len(got.Any) != 2 || into.Whole.Line != 1 || !into.None.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("every: 90s\nlabels: {a: 1}\n"))
	f.Add([]byte("groups: [{name: &a x}, {name: *a}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Decode("f", data, &outer{}) // must not panic, hang or grow without bound
	})
}
