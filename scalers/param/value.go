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
	case *map[string]string:
		p.setMap(row, v, to)
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
	for item := range strings.SplitSeq(v.text, ",") {
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

// setMap reads name=value, name=value. The value is everything after the first =. It shows nothing of the text.
func (p *Parsed) setMap(row Param, v value, to *map[string]string) {
	pairs, twice := map[string]string{}, false
	for item := range strings.SplitSeq(v.text, ",") {
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
