package trigger

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// Params reads the parameters of one trigger. Each method that reads a key declares it as known, so
// that Err can name those that nothing reads. After an error the zero value is returned and reading
// goes on.
type Params struct {
	def  Definition
	errs text.Errors
	// failed counts what was wrong.
	failed int
}

// Params begins to read the parameters of d.
func (d Definition) Params() *Params {
	if d.guard == nil {
		d.guard = &guard{}
	}
	for _, v := range d.Auth {
		d.guard.secrets.Add(v)
	}
	return &Params{def: d}
}

// Err is nil, or what is wrong with the trigger, one line each and ten of them at most. Keys that nothing reads are one
// line together; their values are not shown, since they may be credentials under a misspelled name.
func (p *Params) Err() error {
	var unknown []string
	for _, key := range sortedKeys(p.def.Metadata) {
		if slices.Contains(p.def.guard.metadata, key) {
			continue
		}
		base, fromEnv := strings.CutSuffix(key, "FromEnv")
		if fromEnv && slices.Contains(p.def.guard.metadata, base) {
			p.Fail(key, "would be read from the environment of the workload's container, which trimtab does not do; write %s, or put it in a TriggerAuthentication with a secretTargetRef", base)
			continue
		}
		unknown = append(unknown, text.Short(key))
	}
	if len(unknown) > 0 {
		p.Fail(text.List(unknown, ", "), "unknown parameter%s; known here: %s", plural(unknown), strings.Join(p.def.guard.metadata, ", "))
	}
	return p.errs.Err()
}

func plural(list []string) string {
	if len(list) == 1 {
		return ""
	}
	return "s"
}

// Fail notes that the value of key is wrong for a reason that only the source can tell. The reason does not repeat a value
// that may be secret: see Address.
func (p *Params) Fail(key, format string, args ...any) {
	p.failed++
	p.errs.Add(fmt.Errorf("%s: %s: %s", p.def, key, fmt.Sprintf(format, args...)))
}

// wrong is Fail for a parameter of which each value may be shown. A right one has no @; an address may be there by mistake.
func (p *Params) wrong(key, v, format string, args ...any) {
	p.Fail(key, "%s %s", text.Quote(text.Address(v)), fmt.Sprintf(format, args...))
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

// Secret is the value of key in the authentication, or else in the metadata, or else "". Wherever it stands it is not shown.
func (p *Params) Secret(key string) string {
	v, _ := p.lookup(key)
	p.def.guard.secrets.Add(v)
	p.def.guard.hidden = with(p.def.guard.hidden, key)
	if auth := p.Auth(key); auth != "" {
		return auth
	}
	return v
}

// Address is a value as that of Secret, which is no secret where it stands in the metadata, but for a user, a password and
// parameters in it. shown is how errors call it: without these, or, of one from the authentication, by where it is from.
func (p *Params) Address(key string) (value, shown string) {
	v, _ := p.lookup(key)
	if auth := p.Auth(key); auth != "" {
		return auth, fmt.Sprintf("the %s from the parameter %s of %s", key, key, p.def.authentication())
	}
	p.def.guard.secrets.AddAddress(v)
	return v, text.Short(text.Address(v))
}

// Auth is the value of key in the authentication alone, or "".
func (p *Params) Auth(key string) string {
	p.def.guard.auth = with(p.def.guard.auth, key)
	return strings.TrimSpace(p.def.Auth[key])
}

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
		p.wrong(key, v, "is not a number")
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
	before := p.failed
	n := p.Number(key, absent)
	if p.failed == before && math.Round(n*1000) < 1 {
		p.wrong(key, p.def.Metadata[key], "must be at least 0.001")
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
		p.wrong(key, v, "is not a whole number")
	case n < low || n > high:
		p.wrong(key, v, "is not between %d and %d", low, high)
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
		p.wrong(key, v, "is not true or false")
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
		p.wrong(key, v, "is not a duration above zero such as 5s, nor a number of milliseconds")
	}
	return d
}

// Pairs is a comma-separated list of name=value. What stands after the first = is the value. Nothing of it is shown.
func (p *Params) Pairs(key string) map[string]string {
	v, ok := p.lookup(key)
	p.def.guard.hidden = with(p.def.guard.hidden, key)
	if !ok {
		return nil
	}
	pairs := map[string]string{}
	for item := range strings.SplitSeq(v, ",") {
		name, value, isPair := strings.Cut(item, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		p.def.guard.secrets.Add(item, value)
		switch _, twice := pairs[name]; {
		case !isPair || name == "":
			p.Fail(key, "one of its items is not name=value (the value is not shown: it may be a credential)")
			return nil
		case twice:
			p.Fail(key, "a name in it stands twice (not shown: it may be a credential)")
			return nil
		}
		pairs[name] = value
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
	p.def.guard.metadata = with(p.def.guard.metadata, key)
	v := strings.TrimSpace(p.def.Metadata[key])
	if strings.Contains(v, "://") { // an address, whatever the parameter is for
		p.def.guard.secrets.AddAddress(v)
	}
	return v, v != ""
}

// with is the set of keys and key.
func with(keys []string, key string) []string {
	if slices.Contains(keys, key) {
		return keys
	}
	return append(keys, key)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
