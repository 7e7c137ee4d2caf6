package migration

import (
	"fmt"
	"strings"
)

// Program is a program that trimtab replaces, and the conversion of its flags.
type Program struct {
	Name string // "prometheus-adapter"
	// Page is where each note is explained; it has a heading for each Group.
	Page string
	// Flags are in the order of the page. Settings and notes have the same order.
	Flags []Flag
	// Underscores says that the program reads --a_b as --a-b.
	Underscores bool
	// Long are the keys that are last in their section, since their values are long.
	Long []string
	// Runs is true if a container runs the program. It checks the image, the command, or a flag that no other program
	// has. image is the last part of the image's name, without tag and digest; words are its command line.
	Runs func(image string, words []string) bool
	// Finish handles what does not come from a single flag. It may be nil.
	Finish func(c *Conversion)
}

// Groups lists the groups that have flags, in the page's order.
func (p Program) Groups() []Group {
	var out []Group
	for _, f := range p.Flags {
		if len(out) == 0 || out[len(out)-1] != f.Group {
			out = append(out, f.Group)
		}
	}
	return out
}

// FromFlags is an installation with only flags.
func (p Program) FromFlags(flags []string) Installation {
	var in Installation
	for _, f := range flags {
		in.args = append(in.args, expand(f, in.Env))
	}
	return in
}

// FromManifests finds the program among the objects of the sources: the one container that runs it.
func (p Program) FromManifests(sources []Source) (Installation, error) {
	m, err := readManifests(p.Name, sources)
	if err != nil {
		return Installation{}, err
	}
	found := m.candidates(p)
	switch len(found) {
	case 0:
		return Installation{}, m.noCandidate(p.Name)
	case 1:
		return m.installation(found[0])
	}
	var names []string
	for _, c := range found {
		names = append(names, c.String())
	}
	return Installation{}, fmt.Errorf("several containers run %s: %s; give the manifest of one of them", p.Name, strings.Join(names, "; "))
}

// Convert makes the configuration. The error is about the manifests: a missing ConfigMap, or one without the expected
// content.
func (p Program) Convert(in Installation) (Result, error) {
	given, unknown := p.parse(in.args)
	c := &Conversion{Program: p, In: in, given: given}
	for _, f := range p.Flags {
		if err := c.flag(f); err != nil {
			return Result{}, err
		}
	}
	if p.Finish != nil {
		p.Finish(c)
	}
	c.result.Notes = append(c.result.Notes, unknown...)
	text, err := c.File.text(c.heading(), p.Long)
	if err != nil {
		return Result{}, fmt.Errorf("write the configuration: %w", err)
	}
	c.result.Configuration = text
	return c.result, nil
}

// flag finds a flag by its name on the command line, without its dashes.
func (p Program) flag(name string) (Flag, bool) {
	for _, f := range p.Flags {
		if f.Name == name || (p.Underscores || f.Known != "") && f.Name == strings.ReplaceAll(name, "_", "-") {
			return f, true
		}
	}
	return Flag{}, false
}
