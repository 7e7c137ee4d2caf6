package migration

import (
	"math"
	"strconv"

	"github.com/trimtab/trimtab/internal/text"
)

// Take writes the unchanged value to the flag's setting.
func Take(c *Conversion, v Value) error {
	c.Set(v, v.Setting, v.YAML())
	return nil
}

// Drop notes that the flag has no counterpart, if it changed anything.
func Drop(c *Conversion, v Value) error {
	if !v.IsDefault() {
		c.Note(v.Flag, "%s", prose(v.Remark))
	}
	return nil
}

// Refuse notes that trimtab does not support the flag, if it changed anything.
func Refuse(c *Conversion, v Value) error {
	if !v.IsDefault() {
		c.Block(v.Flag, "%s", prose(v.Remark))
	}
	return nil
}

// Postpone notes that trimtab does not support the flag yet, with its value, if that is not the default.
func Postpone(c *Conversion, v Value) error {
	if !v.IsDefault() {
		c.Block(v.Flag, "is set to %s, which trimtab does not do yet. %s", text.Quote(v.Joined()), prose(v.Remark))
	}
	return nil
}

// Nothing is for flags whose values all need no action.
func Nothing(*Conversion, Value) error { return nil }

// Mounted copies the path of a file, and notes where the file comes from.
func Mounted(c *Conversion, v Value) error {
	if v.Last == "" {
		return nil
	}
	c.Set(v, v.Setting, Str(v.Last))
	c.TellFile(v.Flag, v.Last)
	return nil
}

// ClientLimit copies a limit of the requests to the API server, as client-go reads it: 0 is its default, and a negative
// number is no limit.
func ClientLimit(c *Conversion, v Value) error {
	switch n, _ := strconv.ParseFloat(v.YAML().Shown, 64); {
	case n > 0 && !math.IsInf(n, 1):
		return Take(c, v)
	case n != 0:
		c.Note(v.Flag, "%s means no limit, which trimtab has not; its default stays", v.Last)
	}
	return nil
}

// InGroup puts the flags into a group. Flags without a conversion get the usual one.
func InGroup(g Group, flags []Flag) []Flag {
	for i := range flags {
		f := &flags[i]
		f.Group = g
		switch {
		case f.Convert != nil:
		case f.NotYet:
			f.Convert = Postpone
		case f.Refused:
			f.Convert = Refuse
		case f.Setting == "":
			f.Convert = Drop
		default:
			f.Convert = Take
		}
	}
	return flags
}
