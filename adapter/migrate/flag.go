package migrate

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Flag is one flag of prometheus-adapter and what becomes of it: a row of the table of the page.
type Flag struct {
	Name    string // without dashes
	Default string // of prometheus-adapter v0.12.0, as its help prints it
	Group   Group
	// Setting is the path of the setting that takes its place; empty where there is none.
	Setting string
	// Remark is the row's text for people.
	Remark string
	// Known says which versions know the flag, where v0.12.0 does not: "before 0.11".
	Known string

	kind kind
	// refused flags are what trimtab cannot do.
	refused bool
	// always converts the default too, where trimtab's differs.
	always bool
	// secretive flags may hold a password in their value, and look at references to unknown variables themselves.
	secretive bool
	convert   func(c *conversion, v value) error
}

// spelling is how the flag is written on a command line.
func (f Flag) spelling() string {
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
	case f.refused:
		return "cannot be done"
	default:
		return "nothing"
	}
}

// prose is a remark of the page as plain text.
func prose(remark string) string { return strings.ReplaceAll(remark, "`", "") }

// Group is the part of the page that a flag stands in: its heading.
type Group string

// The groups in the page's order.
const (
	Prometheus     Group = "Prometheus"
	Discovery      Group = "Rules and discovery"
	Kubernetes     Group = "Kubernetes API"
	Serving        Group = "Serving"
	Authentication Group = "Authentication"
	Authorization  Group = "Authorization"
	Audit          Group = "Audit"
	Profiling      Group = "Profiling"
	Logging        Group = "Logging"
	// Other explains what is no flag that is known.
	Other Group = "Not flags"
)

// Groups lists those that have flags, in the page's order.
func Groups() []Group {
	return []Group{Prometheus, Discovery, Kubernetes, Serving, Authentication, Authorization, Audit, Profiling, Logging}
}

// Anchor is the heading's anchor on the page.
func (g Group) Anchor() string { return strings.ReplaceAll(strings.ToLower(string(g)), " ", "-") }

// value is what a flag was given.
type value struct {
	Flag
	set  bool     // it was given, be it with its default
	last string   // the effective value; the default when it was not given
	all  []string // all values in order, for a flag that adds up
}

// kind is the type of a flag's value.
type kind int

const (
	kindText kind = iota
	kindBool
	kindWhole
	kindNumber
	kindDuration
	kindAddress
	kindList     // comma-separated, and adding up when it is repeated
	kindRepeated // adding up as it is
)

func (k kind) truth(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// refuses says why s is no value of the kind, or nothing.
func (k kind) refuses(s string) string {
	var err error
	want := ""
	switch k {
	case kindBool:
		_, err = strconv.ParseBool(s)
		want = "true or false"
	case kindWhole:
		_, err = strconv.ParseInt(s, 0, 64)
		want = "a whole number"
	case kindNumber:
		_, err = strconv.ParseFloat(s, 64)
		want = "a number"
	case kindDuration:
		_, err = time.ParseDuration(s)
		want = "a duration such as 30s or 10m"
	case kindAddress:
		_, err = netip.ParseAddr(s)
		want = "an IP address"
	}
	if err != nil {
		return fmt.Sprintf("%s is not %s", shown(s), want)
	}
	return ""
}

// isDefault says that the flag was given, and nothing changed by it.
func (v value) isDefault() bool {
	switch v.kind {
	case kindList, kindRepeated:
		return strings.EqualFold(strings.Join(v.list(), ","), v.Default)
	case kindBool:
		return kindBool.truth(v.last) == kindBool.truth(v.Default)
	case kindDuration:
		a, err := time.ParseDuration(v.last)
		b, _ := time.ParseDuration(v.Default) // empty is zero
		return err == nil && a == b
	case kindWhole, kindNumber:
		a, err := strconv.ParseFloat(v.last, 64)
		b, _ := strconv.ParseFloat(v.Default, 64) // empty is zero
		return err == nil && a == b
	default:
		return v.last == v.Default
	}
}

// list is the value of a flag that adds up.
func (v value) list() []string {
	var out []string
	for _, one := range v.all {
		if v.kind == kindRepeated {
			out = append(out, one)
			continue
		}
		for part := range strings.SplitSeq(one, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// shown is a value of the input as a message repeats it: quoted, and not at length.
func shown(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "..."
	}
	return strconv.Quote(s)
}
