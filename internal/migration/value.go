package migration

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// Value is the value of a flag.
type Value struct {
	Flag
	Set  bool     // it was given, even with its default
	Last string   // the effective value; the default when it was not given
	All  []string // all values in order, for a flag that may repeat
}

// Kind is the type of a flag's value.
type Kind int

// The kinds, as package pflag reads them.
const (
	Text Kind = iota
	Bool
	Whole
	Number
	Duration
	Address
	List     // comma-separated; repeated flags add values
	Repeated // repeated flags add values; no commas
	Words    // comma-separated; the last flag counts
)

// Truth reads a boolean. Anything else is false.
func Truth(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// refuses says why s is no value of the kind; empty if it is one.
func (k Kind) refuses(s string) string {
	var err error
	want := ""
	switch k {
	case Bool:
		_, err = strconv.ParseBool(s)
		want = "true or false"
	case Whole:
		_, err = strconv.ParseInt(s, 0, 64)
		want = "a whole number"
	case Number:
		_, err = strconv.ParseFloat(s, 64)
		want = "a number"
	case Duration:
		_, err = time.ParseDuration(s)
		want = "a duration such as 30s or 10m"
	case Address:
		_, err = netip.ParseAddr(s)
		want = "an IP address"
	}
	if err != nil {
		return fmt.Sprintf("%s is not %s", text.Quote(s), want)
	}
	return ""
}

// IsDefault is true if the flag was given and changed nothing.
func (v Value) IsDefault() bool {
	switch v.Kind {
	case List, Repeated, Words:
		return strings.EqualFold(v.Joined(), v.Default)
	case Bool:
		return Truth(v.Last) == Truth(v.Default)
	case Duration:
		a, err := time.ParseDuration(v.Last)
		b, _ := time.ParseDuration(v.Default) // empty is zero
		return err == nil && a == b
	case Whole, Number:
		a, err := parseNumber(v.Last)
		b, _ := parseNumber(v.Default) // empty is zero
		return err == nil && a == b
	default:
		return v.Last == v.Default
	}
}

// parseNumber reads whole numbers in Go's notations, such as 0x1f, and other numbers.
func parseNumber(s string) (float64, error) {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return float64(n), nil
	}
	return strconv.ParseFloat(s, 64)
}

// List is the value of a flag that has several.
func (v Value) List() []string {
	all := v.All
	if v.Kind == Words {
		all = []string{v.Last}
	}
	var out []string
	for _, one := range all {
		if v.Kind == Repeated {
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

// Joined is the value as one text. Lists are joined by commas.
func (v Value) Joined() string {
	switch v.Kind {
	case List, Repeated, Words:
		return strings.Join(v.List(), ",")
	default:
		return v.Last
	}
}
