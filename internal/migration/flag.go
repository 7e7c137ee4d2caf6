package migration

import "strings"

// Flag is one flag of a program and its conversion: a row in the page's table.
type Flag struct {
	Name    string // without dashes
	Default string // as the program's help prints it
	Group   Group
	// Setting is the path of the setting that replaces it; empty where there is none.
	Setting string
	// Remark is the row's text for people.
	Remark string
	// Known says which versions have the flag, if the version of the table does not: "before 0.11".
	Known string

	Kind Kind
	// Refused flags have no support in trimtab. With NotYet, support is planned.
	Refused, NotYet bool
	// Always converts the default too, where trimtab's differs.
	Always bool
	// Secretive flags may have a password in their value. They handle references to unknown variables themselves.
	Secretive bool
	// Convert handles a value of the right kind.
	Convert func(c *Conversion, v Value) error
}

// Spelling is how the flag is written on a command line.
func (f Flag) Spelling() string {
	if len(f.Name) == 1 {
		return "-" + f.Name
	}
	return "--" + f.Name
}

// Becomes says in a word how the flag is converted: its setting in most cases.
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
