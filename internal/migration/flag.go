package migration

import "strings"

// Flag is one flag of a program and what becomes of it: a row of the table of the page.
type Flag struct {
	Name    string // without dashes
	Default string // as the program's help prints it
	Group   Group
	// Setting is the path of the setting that takes its place; empty where there is none.
	Setting string
	// Remark is the row's text for people.
	Remark string
	// Known says which versions know the flag, where the one that the table is about does not: "before 0.11".
	Known string

	Kind Kind
	// Refused flags are what trimtab cannot do, and those with NotYet what it does not do yet.
	Refused, NotYet bool
	// Always converts the default too, where trimtab's differs.
	Always bool
	// Secretive flags may hold a password in their value, and look at references to unknown variables themselves.
	Secretive bool
	// Convert does what has to be done with a value of the right kind.
	Convert func(c *Conversion, v Value) error
}

// Spelling is how the flag is written on a command line.
func (f Flag) Spelling() string {
	if len(f.Name) == 1 {
		return "-" + f.Name
	}
	return "--" + f.Name
}

// Becomes says in a word what becomes of the flag: its setting in most cases.
func (f Flag) Becomes() string {
	switch {
	case f.Setting != "":
		return "`" + f.Setting + "`"
	case f.NotYet:
		return "not yet"
	case f.Refused:
		return "cannot be done"
	default:
		return "nothing"
	}
}

// prose is a remark of the page as plain text.
func prose(remark string) string { return strings.ReplaceAll(remark, "`", "") }

// Group is the part of the page that a flag stands in: its heading.
type Group string

// Other explains what is no flag that is known. Every page has it.
const Other Group = "Not flags"

// Anchor is the heading's anchor on the page.
func (g Group) Anchor() string { return strings.ReplaceAll(strings.ToLower(string(g)), " ", "-") }
