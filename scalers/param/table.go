package param

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/text"
)

// Table is the parameters of one trigger, in the order of the page. Tables that several sources share are joined by
// slices.Concat.
type Table []Param

// Param is one parameter, or a key that is not read: then one of Ignored and Refused is set, and To is nil.
type Param struct {
	// Name is the key; Aliases mean the same. Names are tried in this order.
	Name    string
	Aliases []string
	// From is where the value may stand, the first one first: Metadata + Env + Auth. Empty is Metadata.
	From Origins
	// To points to where the value goes, and so gives its type: a string, float64, int64, int, bool, time.Duration,
	// []string, []int64, map[string]string, url.Values or Address.
	To any
	// Default is taken for a value that is absent. Without it To keeps what it has.
	Default string
	// Required says that a value must be there.
	Required bool
	// Range bounds a number.
	Range Range
	// OneOf are the only values of a text, or of each item of a list. Exclusive are those of which a list has one at most.
	OneOf, Exclusive []string
	// Separator stands between the items of a list or of pairs; empty is a comma. Ranges is what stands within an item of a list
	// of numbers that means several, as the - of 1-4; empty allows none.
	Separator, Ranges string
	// Schemes make an Address a URL, which begins with one of them.
	Schemes []string
	// Secret says that the value is shown nowhere, wherever it stands. A map may be secret as a whole.
	Secret bool
	// About is one line that says what the parameter is for.
	About string
	// Ignored says why a key of KEDA changes nothing, and Refused why trimtab does not do what it asks for: "is not
	// supported: requests are not signed". Converted says what KEDA makes of a key that is read, but was removed. Each
	// begins with a verb; the key stands before it.
	Ignored, Refused, Converted string
}

// Origins are places where a value may stand, in the order in which they are looked at.
type Origins string

const (
	// Metadata is spec.triggers[].metadata.
	Metadata Origins = "m"
	// Auth is what the TriggerAuthentication gives.
	Auth Origins = "a"
	// Env is an environment variable of the target's container. Its name stands in the metadata, under the key with FromEnv
	// behind it.
	Env Origins = "e"
)

// fromEnv ends the keys of Env.
const fromEnv = "FromEnv"

// Range is the numbers from Low to High. The zero value has all.
type Range struct {
	low, high float64
	is, above bool
}

// Between is the range from low to high.
func Between(low, high float64) Range { return Range{low: low, high: high, is: true, above: true} }

// AtLeast is the range from low.
func AtLeast(low float64) Range { return Range{low: low, is: true} }

func (r Range) has(n float64) bool { return !r.is || n >= r.low && (!r.above || n <= r.high) }

// Address is where a server is.
type Address struct {
	Value string
	// Shown is how texts call it: without user, password and parameters, or by where it is from where that is not the metadata.
	Shown string
	// hidden says that it is shown by where it is from.
	hidden bool
}

// Part is an address that is a part of a.
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

// read says that the parameter has an effect.
func (p Param) read() bool { return p.To != nil }

// Keys are all names that a table reads, by where their values may stand. A value in Metadata may be shown, without user, password
// and parameters where it is an address; never one in Hidden, or one in Auth that comes from there.
type Keys struct{ Metadata, Hidden, Auth []string }

// Keys are the keys that t reads.
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

// Names are all keys that t knows.
func (t Table) Names() (all []string) {
	for _, p := range t {
		for _, name := range p.names() {
			all = append(all, name, name+fromEnv)
		}
	}
	return all
}

// inMetadata are the keys of the metadata that t knows, those first that are read.
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

// places says where the parameter with that key may stand; empty where there is none.
func (t Table) places(key string) string {
	for _, p := range t {
		if slices.Contains(p.names(), key) || slices.Contains(p.names(), strings.TrimSuffix(key, fromEnv)) {
			return p.places()
		}
	}
	return ""
}

// places are the origins in words, in their order.
func (p Param) places() string {
	words := map[Origins]string{Metadata: "metadata", Auth: "authentication", Env: p.Name + fromEnv}
	var out []string
	for _, o := range p.origins() {
		out = append(out, words[Origins(o)])
	}
	return strings.Join(out, ", ")
}
