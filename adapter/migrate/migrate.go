package migrate

import (
	"fmt"
	"strings"
)

// page is where each note is explained.
const page = "docs/migrate-prometheus-adapter.md"

// Installation is what runs now: the arguments of prometheus-adapter and, where it was read from manifests,
// the files that it sees.
type Installation struct {
	// Name says what was read: "Deployment monitoring/prometheus-adapter". Empty for flags alone.
	Name string

	args []argument
	env  environment
	// files tells where a path of the container leads. Nil for flags alone.
	files func(path string) origin
}

// FromFlags is an installation of which only the flags are known.
func FromFlags(flags []string) Installation {
	var in Installation
	for _, f := range flags {
		in.args = append(in.args, expand(f, in.env))
	}
	return in
}

// Options choose how the configuration is written.
type Options struct {
	// RulesFile is the path of the rule file in trimtab's pod. Empty: the rules stand in the configuration,
	// where they are known.
	RulesFile string
}

// Result is the configuration and what is to be known about it.
type Result struct {
	// Configuration is YAML: the sections that are needed, with a comment at each setting.
	Configuration string
	// Settings lists what a flag became, in the order of the table of flags.
	Settings []Setting
	// Notes lists what has no counterpart, behaves differently or is left to do, in the order of the table
	// of flags; flags that are not known come last.
	Notes []Note
}

// Setting is one setting and the flag it came from. A flag that was not given stands for its default.
type Setting struct {
	Flag    string `json:"flag"`    // "--prometheus-url"
	Setting string `json:"setting"` // "prometheus.url"
	Value   string `json:"value"`   // as it stands in the configuration; lists are joined by commas, rules are left out
}

// Note is one thing that the configuration cannot say.
type Note struct {
	Flag    string `json:"flag"` // "--audit-policy-file", or what else was set
	Message string `json:"message"`
	// Page is the page and the anchor that explain it.
	Page string `json:"page"`
	// Blocking says that something was set that trimtab cannot do, or that could not be read.
	Blocking bool `json:"blocking"`
}

// Blocked says whether any note is blocking.
func (r Result) Blocked() bool {
	for _, n := range r.Notes {
		if n.Blocking {
			return true
		}
	}
	return false
}

// Convert makes the configuration. The error is about the manifests: a ConfigMap that is missing, or a rule
// file that is none.
func Convert(in Installation, o Options) (Result, error) {
	given, unknown := parseArgs(in.args)
	c := &conversion{in: in, options: o, given: given}
	for _, f := range Flags() {
		if f.convert == nil {
			continue
		}
		if err := c.flag(f); err != nil {
			return Result{}, err
		}
	}
	c.proxies()
	c.result.Notes = append(c.result.Notes, unknown...)
	text, err := c.file.text(in.heading())
	if err != nil {
		return Result{}, fmt.Errorf("write the configuration: %w", err)
	}
	c.result.Configuration = text
	return c.result, nil
}

func (in Installation) heading() string {
	what := "What the given flags do"
	if in.Name != "" {
		what = "What " + in.Name + " does"
	}
	return what + ", for trimtab. What differs on purpose: " + page + "#deviations"
}

// conversion is a Result in the making.
type conversion struct {
	in      Installation
	options Options
	given   map[string][]argument
	file    tree
	result  Result
}

// flag converts one flag, if it was given or its default has to be written. A value that refers to an
// environment variable whose value is not known is told, and not taken.
func (c *conversion) flag(f Flag) error {
	values := c.given[f.Name]
	if len(values) == 0 && !f.always {
		return nil
	}
	v := value{Flag: f, set: len(values) > 0, last: f.Default}
	for _, a := range values {
		v.all = append(v.all, a.text)
		v.last = a.text
		if len(a.unknown) > 0 && !f.secretive {
			c.block(f, "%s; write %s by hand", c.in.env.whyUnknown(a.unknown), orSetting(f.Setting))
			return nil
		}
	}
	if v.set {
		if message := f.kind.refuses(v.last); message != "" {
			c.block(f, "%s; prometheus-adapter does not start with it", message)
			return nil
		}
	}
	return f.convert(c, v)
}

func orSetting(setting string) string {
	if setting == "" {
		return "what it does"
	}
	return setting
}

// text is the effective value of another flag: what was given last, or its default.
func (c *conversion) text(name string) string {
	if values := c.given[name]; len(values) > 0 {
		return values[len(values)-1].text
	}
	return flagsByName()[name].Default
}

// note tells something about a flag that keeps nobody from going on.
func (c *conversion) note(f Flag, format string, args ...any) {
	c.add(f.spelling(), f.Group, false, format, args...)
}

// block tells something that trimtab cannot do.
func (c *conversion) block(f Flag, format string, args ...any) {
	c.add(f.spelling(), f.Group, true, format, args...)
}

func (c *conversion) add(what string, g Group, blocking bool, format string, args ...any) {
	message := strings.TrimSuffix(fmt.Sprintf(format, args...), ".")
	c.result.Notes = append(c.result.Notes, Note{Flag: what, Message: message, Page: page + "#" + g.Anchor(), Blocking: blocking})
}
