package trigger

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Params reads the parameters of one trigger. Each method that reads a key declares it as known, so
// that Err can name those that nothing reads. After an error the zero value is returned and reading
// goes on.
type Params struct {
	def   Definition
	known []string
	errs  []error
}

// Params begins to read the parameters of d.
func (d Definition) Params() *Params { return &Params{def: d} }

// Err is nil, or all that is wrong with the trigger, one line each.
func (p *Params) Err() error {
	errs := p.errs
	for _, key := range sortedKeys(p.def.Metadata) {
		if slices.Contains(p.known, key) {
			continue
		}
		base, fromEnv := strings.CutSuffix(key, "FromEnv")
		if fromEnv && slices.Contains(p.known, base) {
			errs = append(errs, p.fail(key, "%q would be read from the environment of the workload's container, which trimtab does not do; write %s, or put it in a TriggerAuthentication with a secretTargetRef", p.def.Metadata[key], base))
			continue
		}
		errs = append(errs, p.fail(key, "unknown parameter (value %q); known here: %s", p.def.Metadata[key], strings.Join(p.known, ", ")))
	}
	return errors.Join(errs...)
}

// Fail notes that the value of key is wrong for a reason that only the source can tell.
func (p *Params) Fail(key, format string, args ...any) {
	p.errs = append(p.errs, p.fail(key, format, args...))
}

func (p *Params) fail(key, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %s", p.def, key, fmt.Sprintf(format, args...))
}

// Text is the metadata's value of key, or absent.
func (p *Params) Text(key, absent string) string {
	if v, ok := p.lookup(key); ok {
		return v
	}
	return absent
}

// Required is the metadata's value of key, which must not be empty.
func (p *Params) Required(key string) string {
	v, ok := p.lookup(key)
	if !ok {
		p.Fail(key, "is required")
	}
	return v
}

// Secret is the value of key in the authentication, or else in the metadata, or else "".
func (p *Params) Secret(key string) string {
	v, _ := p.lookup(key)
	if auth := strings.TrimSpace(p.def.Auth[key]); auth != "" {
		return auth
	}
	return v
}

// Auth is the value of key in the authentication alone, or "".
func (p *Params) Auth(key string) string { return strings.TrimSpace(p.def.Auth[key]) }

// AuthKnown says whether a parameter that is absent from the authentication is missing.
func (p *Params) AuthKnown() bool { return !p.def.Offline }

// Number is a finite number.
func (p *Params) Number(key string, absent float64) float64 {
	v, ok := p.lookup(key)
	if !ok {
		return absent
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		p.Fail(key, "%q is not a number", v)
		return 0
	}
	return n
}

// Target is a number that an HPA can divide by: at least one thousandth. NaN as absent makes it required.
func (p *Params) Target(key string, absent float64) float64 {
	if _, ok := p.lookup(key); !ok && math.IsNaN(absent) {
		p.Fail(key, "is required")
		return 0
	}
	before := len(p.errs)
	n := p.Number(key, absent)
	if len(p.errs) == before && math.Round(n*1000) < 1 {
		p.Fail(key, "%q must be at least 0.001", p.def.Metadata[key])
	}
	return n
}

// Whole is a whole number from low to high.
func (p *Params) Whole(key string, absent, low, high int64) int64 {
	v, ok := p.lookup(key)
	if !ok {
		return absent
	}
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case err != nil:
		p.Fail(key, "%q is not a whole number", v)
	case n < low || n > high:
		p.Fail(key, "%q is not between %d and %d", v, low, high)
	}
	return n
}

// Bool is true or false.
func (p *Params) Bool(key string, absent bool) bool {
	v, ok := p.lookup(key)
	if !ok {
		return absent
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		p.Fail(key, "%q is not true or false", v)
	}
	return b
}

// Duration is a span with its unit (30s), or a whole number of milliseconds; above zero.
func (p *Params) Duration(key string, absent time.Duration) time.Duration {
	v, ok := p.lookup(key)
	if !ok {
		return absent
	}
	d, err := time.ParseDuration(v)
	if ms, msErr := strconv.ParseInt(v, 10, 32); msErr == nil {
		d, err = time.Duration(ms)*time.Millisecond, nil
	}
	if err != nil || d <= 0 {
		p.Fail(key, "%q is not a duration above zero such as 5s, nor a number of milliseconds", v)
	}
	return d
}

// Pairs is a comma-separated list of name=value. What stands after the first = is the value.
func (p *Params) Pairs(key string) map[string]string {
	v, ok := p.lookup(key)
	if !ok {
		return nil
	}
	pairs := map[string]string{}
	for _, item := range strings.Split(v, ",") {
		name, value, isPair := strings.Cut(item, "=")
		name = strings.TrimSpace(name)
		switch _, twice := pairs[name]; {
		case !isPair || name == "":
			p.Fail(key, "one of its items is not name=value (the value is not shown: it may be a credential)")
		case twice:
			p.Fail(key, "%q stands twice", name)
		default:
			pairs[name] = strings.TrimSpace(value)
		}
	}
	return pairs
}

// Words is a comma-separated list.
func (p *Params) Words(key string) []string {
	v, _ := p.lookup(key)
	var words []string
	for _, w := range strings.Split(v, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

func (p *Params) lookup(key string) (string, bool) {
	if !slices.Contains(p.known, key) {
		p.known = append(p.known, key)
	}
	v := strings.TrimSpace(p.def.Metadata[key])
	return v, v != ""
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
