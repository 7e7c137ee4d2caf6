package param

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// set stores v where row points to.
func (p *Parsed) set(row Param, v value) {
	switch to := row.To.(type) {
	case *string:
		if *to = v.text; len(row.OneOf) > 0 && !slices.Contains(row.OneOf, v.text) {
			p.bad(row, v, "is not supported; supported: %s", strings.Join(row.OneOf, ", "))
		}
	case *Address:
		p.setAddress(row, v, to)
	case *float64:
		*to = p.number(row, v)
	case *int64:
		*to = p.whole(row, v)
	case *int:
		*to = int(p.whole(row, v))
	case *bool:
		var err error
		if *to, err = strconv.ParseBool(v.text); err != nil {
			p.bad(row, v, "is not true or false")
		}
	case *time.Duration:
		*to = p.duration(row, v)
	case *[]string:
		p.setList(row, v, to)
	case *[]int64:
		p.setNumbers(row, v, to)
	case *map[string]string:
		p.setMap(row, v, to)
	case *url.Values:
		p.setQuery(row, v, to)
	default:
		panic(fmt.Sprintf("param: %s: %T is not a type of a parameter", row.Name, row.To))
	}
}

// bad is Fail with the value in the text, unless the value may be secret. The user and password of an address are left
// out, whatever the parameter is for: an address may be there by mistake.
func (p *Parsed) bad(row Param, v value, format string, args ...any) {
	p.Fail(v.key, "%s %s", p.shown(row, v), fmt.Sprintf(format, args...))
}

func (p *Parsed) shown(row Param, v value) string {
	switch {
	case v.from != Metadata:
		return p.origin("value", v)
	case row.Secret:
		return "the value (not shown: it may be a credential)"
	default:
		return text.Quote(text.Address(v.text))
	}
}

// origin describes a value by its place.
func (p *Parsed) origin(what string, v value) string {
	switch {
	case v.from == Env:
		return fmt.Sprintf("the %s from the environment variable that %s%s names", what, v.key, fromEnv)
	case p.values.AuthName == "":
		return fmt.Sprintf("the %s from the parameter %s of the trigger's authentication", what, v.key)
	default:
		return fmt.Sprintf("the %s from the parameter %s of TriggerAuthentication %s", what, v.key, p.values.AuthName)
	}
}

func (p *Parsed) setAddress(row Param, v value, to *Address) {
	if v.from == Metadata {
		p.secrets.AddAddress(v.text)
		*to = Address{}.Part(v.text)
	} else {
		*to = Address{Value: v.text, Shown: p.origin(row.Name, v), hidden: true}
	}
	if wrong := wrongURL(v.text, row.Schemes); len(row.Schemes) > 0 && wrong != "" {
		p.Fail(v.key, "%s", wrong)
	}
}

// wrongURL says what is wrong with a URL. It does not repeat the URL, which may contain a password.
func wrongURL(address string, schemes []string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "is not a URL"
	case !slices.Contains(schemes, u.Scheme):
		return "must begin with " + strings.Join(schemes, ":// or ") + "://"
	case u.Hostname() == "":
		return "names no host"
	case u.User != nil:
		return "must not hold credentials; put them in a TriggerAuthentication"
	}
	return ""
}

func (p *Parsed) number(row Param, v value) float64 {
	n, err := strconv.ParseFloat(v.text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		p.bad(row, v, "is not a number")
		return 0
	}
	p.within(row, v, n)
	return n
}

func (p *Parsed) whole(row Param, v value) int64 {
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		p.bad(row, v, "is not a whole number")
		return 0
	}
	p.within(row, v, float64(n))
	return n
}

func (p *Parsed) within(row Param, v value, n float64) {
	switch r := row.Range; {
	case r.has(n):
	case r.above:
		p.bad(row, v, "is not between %s and %s", plain(r.low), plain(r.high))
	default:
		p.bad(row, v, "must be at least %s", plain(r.low))
	}
}

func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// duration reads a duration with its unit (30s), or a whole number of milliseconds.
func (p *Parsed) duration(row Param, v value) time.Duration {
	d, err := time.ParseDuration(v.text)
	if ms, msErr := strconv.ParseInt(v.text, 10, 64); msErr == nil && ms >= 0 && ms <= math.MaxInt64/int64(time.Millisecond) {
		d, err = time.Duration(ms)*time.Millisecond, nil
	}
	if err != nil || d < 0 {
		p.bad(row, v, "is not a duration such as 5s, nor a number of milliseconds")
		return 0
	}
	return d
}

func (p *Parsed) setList(row Param, v value, to *[]string) {
	*to = nil
	var exclusive []string
	for item := range strings.SplitSeq(v.text, row.separator()) {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		if *to = append(*to, item); len(row.OneOf) > 0 && !slices.Contains(row.OneOf, item) {
			p.bad(row, value{item, v.key, v.from}, "is not supported; supported: %s", strings.Join(row.OneOf, ", "))
		}
		if slices.Contains(row.Exclusive, item) {
			exclusive = append(exclusive, item)
		}
	}
	if len(exclusive) > 1 {
		p.Fail(v.key, "%s exclude each other; keep one of them", strings.Join(exclusive, " and "))
	}
}

// setQuery takes the query of a URL. Nothing of it is shown.
func (p *Parsed) setQuery(row Param, v value, to *url.Values) {
	query, err := url.ParseQuery(v.text)
	if err != nil { // its text repeats the value
		p.Fail(v.key, "is not name=value&name=value, with %% and two digits for odd characters (not shown: it may be a credential)")
	}
	for _, values := range query {
		if row.Secret || v.from != Metadata {
			p.secrets.Add(values...)
		}
	}
	*to = query
}

// mostNumbers bounds a list of numbers: a range of two short ones may be long.
const mostNumbers = 100_000

// setNumbers takes whole numbers, and ranges of them that include both ends.
func (p *Parsed) setNumbers(row Param, v value, to *[]int64) {
	*to = nil
	for item := range strings.SplitSeq(v.text, row.separator()) {
		item = strings.TrimSpace(item)
		first, last, isRange := item, item, false
		if row.Ranges != "" {
			if first, last, isRange = strings.Cut(item, row.Ranges); !isRange {
				last = first
			}
		}
		low, err := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
		high, err2 := strconv.ParseInt(strings.TrimSpace(last), 10, 64)
		switch of := (value{item, v.key, v.from}); {
		case err != nil || err2 != nil:
			p.bad(row, of, "is not a whole number%s", row.example())
			return
		case high < low:
			p.bad(row, of, "begins above its end")
			return
		case uint64(high)-uint64(low) >= mostNumbers-uint64(len(*to)):
			p.bad(row, of, "is too long; %d numbers are allowed", mostNumbers)
			return
		}
		for n := low; ; n++ {
			if *to = append(*to, n); n == high {
				break
			}
		}
	}
}

// example shows a range, where one is allowed.
func (p Param) example() string {
	if p.Ranges == "" {
		return ""
	}
	return ", nor a range such as 1" + p.Ranges + "4"
}

// setMap takes name=value, name=value. What stands after the first = is the value. Nothing of it is shown.
func (p *Parsed) setMap(row Param, v value, to *map[string]string) {
	pairs, twice := map[string]string{}, false
	for item := range strings.SplitSeq(v.text, row.separator()) {
		name, of, isPair := strings.Cut(item, "=")
		name, of = strings.TrimSpace(name), strings.TrimSpace(of)
		if !isPair || name == "" {
			p.Fail(v.key, "one of its items is not name=value (the value is not shown: it may be a credential)")
			return
		}
		_, again := pairs[name]
		twice, pairs[name] = twice || again, of
	}
	if twice {
		p.Warn(v.key, "a name in it stands twice, and the last one counts, as for KEDA (not shown: it may be a credential)")
	}
	*to = pairs
}
