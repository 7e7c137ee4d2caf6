package param

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/text"
)

// Table is the parameters of one trigger, in the order of the page. Use slices.Concat to add a table that several
// sources share.
type Table []Param

// Param is one parameter, or a key that is not read. In the second case Ignored or Refused is set, and To is nil.
type Param struct {
	// Name is the key; Aliases are other names for it. Names are tried in this order.
	Name    string
	Aliases []string
	// From are the places of the value, in this order: Metadata + Env + Auth. Empty means Metadata.
	From Origins
	// To points to where the value goes, and so gives its type: a string, float64, int64, int, bool, time.Duration,
	// []string, []int64, map[string]string, url.Values or Address.
	To any
	// Default is used if the value is absent. Without it, To keeps its value.
	Default string
	// Required says that the value must exist.
	Required bool
	// Range bounds a number.
	Range Range
	// OneOf are the allowed values of a text, or of each item of a list. A list may have at most one of Exclusive.
	OneOf, Exclusive []string
	// Separator stands between the items of a list or of pairs; empty is a comma. Ranges is what stands within an item of a list
	// of numbers that means several, as the - of 1-4; empty allows none.
	Separator, Ranges string
	// Schemes make an Address a URL, which begins with one of them.
	Schemes []string
	// Secret says that the value is never shown, wherever it is from. A map may be secret as a whole.
	Secret bool
	// About is one line that describes the parameter.
	About string
	// Ignored says why a key of KEDA has no effect. Refused says why trimtab does not support it: "is not supported:
	// requests are not signed". Converted says what KEDA does with a removed key that is still read. Each begins with a
	// verb; texts put the key before it.
	Ignored, Refused, Converted string
}

// Origins are the places of a value, in the order in which they are searched.
type Origins string

const (
	// Metadata is spec.triggers[].metadata.
	Metadata Origins = "m"
	// Auth is the TriggerAuthentication.
	Auth Origins = "a"
	// Env is an environment variable of the target's container. Its name is in the metadata, under the key with the
	// suffix FromEnv.
	Env Origins = "e"
)

// fromEnv is the suffix of the keys of Env.
const fromEnv = "FromEnv"

// Range is the numbers from Low to High. The zero value has all numbers.
type Range struct {
	low, high float64
	is, above bool
}

// Between is the range from low to high.
func Between(low, high float64) Range { return Range{low: low, high: high, is: true, above: true} }

// AtLeast is the range from low upwards.
func AtLeast(low float64) Range { return Range{low: low, is: true} }

func (r Range) has(n float64) bool { return !r.is || n >= r.low && (!r.above || n <= r.high) }

// Address is the address of a server.
type Address struct {
	Value string
	// Shown is the address in texts: without user, password and parameters. If the value is not from the metadata,
	// Shown names its place instead.
	Shown string
	// hidden says that Shown names the place of the value.
	hidden bool
}

// Part is an address that is one part of a, such as one of several hosts.
func (a Address) Part(value string) Address {
	if a.Value = value; !a.hidden {
		a.Shown = text.Short(text.Address(value))
	}
	return a
}

func (p Param) separator() string {
	if p.Separator == "" {
		return ","
	}
	return p.Separator
}

func (p Param) names() []string { return append([]string{p.Name}, p.Aliases...) }

func (p Param) origins() Origins {
	if p.From == "" {
		return Metadata
	}
	return p.From
}

func (p Param) from(o Origins) bool { return strings.Contains(string(p.origins()), string(o)) }

// read is true if the parameter has an effect.
func (p Param) read() bool { return p.To != nil }

// Keys are all names that a table reads, by the place of their values. A value in Metadata may be shown; of an address
// all but the user, the password and the parameters. A value in Hidden, or in Auth if it comes from there, must never
// be shown.
type Keys struct{ Metadata, Hidden, Auth []string }

// Keys returns the keys that t reads.
func (t Table) Keys() (k Keys) {
	for _, p := range t {
		if !p.read() {
			continue
		}
		switch {
		case p.Secret && p.from(Metadata):
			k.Hidden = append(k.Hidden, p.names()...)
		case p.from(Metadata):
			k.Metadata = append(k.Metadata, p.names()...)
		}
		if p.from(Auth) {
			k.Auth = append(k.Auth, p.names()...)
		}
	}
	return k
}

// Names returns all keys that t knows.
func (t Table) Names() (all []string) {
	for _, p := range t {
		for _, name := range p.names() {
			all = append(all, name, name+fromEnv)
		}
	}
	return all
}

// inMetadata returns the metadata keys that t reads, and the metadata keys that t knows.
func (t Table) inMetadata() (read, known []string) {
	for _, p := range t {
		keys := p.names()
		if !p.from(Metadata) {
			keys = nil
		}
		if p.read() {
			read = append(read, keys...)
		}
		if p.from(Env) {
			for _, name := range p.names() {
				keys = append(keys, name+fromEnv)
			}
		}
		known = append(known, keys...)
	}
	return read, known
}

// places names the places of the parameter with that key; empty where there is none.
func (t Table) places(key string) string {
	for _, p := range t {
		if slices.Contains(p.names(), key) || slices.Contains(p.names(), strings.TrimSuffix(key, fromEnv)) {
			return p.places()
		}
	}
	return ""
}

// places names the origins in words, in their order.
func (p Param) places() string {
	words := map[Origins]string{Metadata: "metadata", Auth: "authentication", Env: p.Name + fromEnv}
	var out []string
	for _, o := range p.origins() {
		out = append(out, words[Origins(o)])
	}
	return strings.Join(out, ", ")
}
