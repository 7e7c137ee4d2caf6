package migration

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab/internal/text"
)

// Installation is what runs now: the arguments of the program and, if they come from manifests, its environment and its
// files.
type Installation struct {
	// Name says what was read: "Deployment monitoring/prometheus-adapter". Empty for flags alone.
	Name string
	Env  Environment
	// Files says where a path in the container comes from. Nil for flags alone.
	Files func(path string) Origin

	args []Argument
}

// Result is the configuration and the notes about it.
type Result struct {
	// Configuration is YAML: the sections that are needed, with a comment at each setting.
	Configuration string
	// Settings lists the settings from flags, in the order of the table of flags.
	Settings []Setting
	// Notes lists what has no counterpart, behaves differently or is left to do, in the order of the table of flags.
	// Unknown flags come last.
	Notes []Note
}

// Setting is one setting and its flag. A flag that was not given has its default.
type Setting struct {
	Flag    string `json:"flag"`    // "--prometheus-url"
	Setting string `json:"setting"` // "prometheus.url"
	Value   string `json:"value"`   // as it stands in the configuration; lists are joined by commas, rules are left out
}

// Note is something that the configuration cannot express.
type Note struct {
	Flag    string `json:"flag"` // "--audit-policy-file", or what else was set
	Message string `json:"message"`
	// Page is the page and the anchor with the explanation.
	Page string `json:"page"`
	// Blocking says that trimtab does not support something that was set, or that it could not be read.
	Blocking bool `json:"blocking"`
}

// Blocked is true if a note is blocking.
func (r Result) Blocked() bool {
	for _, n := range r.Notes {
		if n.Blocking {
			return true
		}
	}
	return false
}

// Conversion is a Result during its creation.
type Conversion struct {
	Program Program
	In      Installation
	// File is the configuration.
	File Tree

	given  map[string][]Argument
	result Result
}

func (c *Conversion) heading() string {
	what := "What the given flags do"
	if c.In.Name != "" {
		what = "What " + c.In.Name + " does"
	}
	return what + ", for trimtab. What differs on purpose: " + c.Program.Page + "#deviations"
}

// flag converts one flag, if it was given or its default must be written. A value with an unknown environment variable
// is noted and not used.
func (c *Conversion) flag(f Flag) error {
	given := c.given[f.Name]
	if len(given) == 0 && !f.Always {
		return nil
	}
	v := Value{Flag: f, Set: len(given) > 0, Last: f.Default}
	for _, a := range given {
		v.All = append(v.All, a.Text)
		v.Last = a.Text
		if len(a.Unknown) > 0 && !f.Secretive {
			c.unknown(f, a)
			return nil
		}
	}
	for _, text := range v.All {
		if message := f.Kind.refuses(text); message != "" {
			c.Block(f, "%s; %s does not start with it", message, c.Program.Name)
			return nil
		}
	}
	return f.Convert(c, v)
}

// unknown notes a value that is not known. It notes nothing if no value of the flag has an effect.
func (c *Conversion) unknown(f Flag, a Argument) {
	switch why := WhyUnknown(a.Unknown); {
	case f.Setting != "":
		c.Block(f, "%s; write %s by hand", why, f.Setting)
	case f.Refused || f.NotYet:
		c.Block(f, "%s; write what it does by hand", why)
	default:
		c.Note(f, "%s", prose(f.Remark))
	}
}

// Given is the values of a flag, in order.
func (c *Conversion) Given(name string) []Argument { return c.given[name] }

// Text is the effective value of another flag: the last given one, or its default.
func (c *Conversion) Text(name string) string {
	if values := c.given[name]; len(values) > 0 {
		return values[len(values)-1].Text
	}
	f, _ := c.Program.flag(name)
	return f.Default
}

// Set writes a setting and lists it.
func (c *Conversion) Set(v Value, path string, y YAML) {
	comment := v.Spelling()
	if !v.Set {
		comment = "default of " + comment
	}
	c.File.set(path, y.Node, comment)
	c.Remember(v, path, y.Shown)
}

// Entry writes a value into the mapping at path, and lists it. The key may contain dots.
func (c *Conversion) Entry(v Value, path, key string, y YAML) {
	c.File.entry(path, key, y.Node, v.Spelling())
	c.Remember(v, path+"."+key, y.Shown)
}

// Remember lists a setting that the caller has written.
func (c *Conversion) Remember(v Value, path, shown string) {
	c.result.Settings = append(c.result.Settings, Setting{Flag: v.Spelling(), Setting: path, Value: shown})
}

// Note adds a note about a flag that is not blocking.
func (c *Conversion) Note(f Flag, format string, args ...any) {
	c.Add(f.Spelling(), f.Group, false, format, args...)
}

// Block adds a blocking note about a flag.
func (c *Conversion) Block(f Flag, format string, args ...any) {
	c.Add(f.Spelling(), f.Group, true, format, args...)
}

// Add adds a note about something that need not be a flag.
func (c *Conversion) Add(what string, g Group, blocking bool, format string, args ...any) {
	message := strings.TrimSuffix(fmt.Sprintf(format, args...), ".")
	c.result.Notes = append(c.result.Notes, Note{Flag: what, Message: message, Page: c.Program.Page + "#" + g.Anchor(), Blocking: blocking})
}

// TellFile notes what to mount in trimtab's pod for a file in a setting.
func (c *Conversion) TellFile(f Flag, file string) {
	if c.In.Files == nil {
		c.Note(f, "the file %s has to be there in trimtab's pod", text.Quote(file))
	} else if from := c.In.Files(file).From; from != "" {
		c.Note(f, "the file %s is of %s; mount it at this path in trimtab's pod", text.Quote(file), from)
	} else {
		c.Note(f, "the file %s is in no volume of %s's pod; it has to be there in trimtab's", text.Quote(file), c.Program.Name)
	}
}
