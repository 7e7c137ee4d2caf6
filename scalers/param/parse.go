package param

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/text"
)

// Values are the sources of parameters.
type Values struct {
	// Of is the start of problems and warnings, such as `trigger 0 (redis)`.
	Of string
	// Metadata is the metadata of the trigger in the object.
	Metadata map[string]string
	// Auth has the parameters of the authentication. Its values are secrets. Keys without a row are allowed, since one
	// authentication may serve triggers of several types.
	Auth map[string]string
	// AuthName is the name of the authentication in texts.
	AuthName string
	// AuthUnknown says that it was not resolved, as in a check of files. Then a parameter that may come from it is not
	// reported as missing.
	AuthUnknown bool
	// Env is the environment of the target's container; nil where it is unknown. Its values are secrets.
	Env map[string]string
}

// Parsed is the result of a table. The values are where the rows point to.
type Parsed struct {
	values   Values
	table    Table
	errs     text.Errors
	warnings []string
	wrong    map[string]bool
	secrets  text.Secrets
	// unread are the metadata keys without a row, sorted.
	unread []string
}

// Parse reads each parameter of t. It continues after a problem; a wrong value becomes the zero value.
func (t Table) Parse(v Values) *Parsed {
	p := &Parsed{values: v, table: t, wrong: map[string]bool{}}
	for _, value := range v.Auth {
		p.secrets.Add(value)
	}
	for _, value := range v.Metadata {
		if strings.Contains(value, "://") { // an address, whatever its parameter is for
			p.secrets.AddAddress(strings.TrimSpace(value))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.Metadata)) {
		if t.places(key) == "" {
			p.unread = append(p.unread, key)
		}
	}
	for _, row := range t {
		p.read(row)
	}
	p.unknown()
	return p
}

// Err is nil, or all problems, one line each and at most ten.
func (p *Parsed) Err() error { return p.errs.Err() }

// Warnings are problems that stop nothing.
func (p *Parsed) Warnings() []string { return p.warnings }

// Secrets are the secret values.
func (p *Parsed) Secrets() text.Secrets { return p.secrets }

// AuthKnown is true if the authentication was resolved, so that a parameter that it lacks is missing.
func (p *Parsed) AuthKnown() bool { return !p.values.AuthUnknown }

// Wrong is true if there is a problem with the parameter of that name.
func (p *Parsed) Wrong(name string) bool {
	return slices.ContainsFunc(p.table, func(row Param) bool {
		return row.Name == name && slices.ContainsFunc(row.names(), func(key string) bool { return p.wrong[key] })
	})
}

// Fail records that the value of key is wrong for a reason that only the source knows. The reason must not repeat a
// value that may be secret: see Address.
func (p *Parsed) Fail(key, format string, args ...any) {
	p.wrong[strings.TrimSuffix(key, fromEnv)] = true
	p.errs.Add(fmt.Errorf("%s: %s: %s", p.values.Of, key, fmt.Sprintf(format, args...)))
}

// Warn records a problem that stops nothing.
func (p *Parsed) Warn(key, format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf("%s: %s: %s", p.values.Of, key, fmt.Sprintf(format, args...)))
}

// value is the value of a parameter, its place, and its key.
type value struct {
	text, key string
	from      Origins
}

func (p *Parsed) read(row Param) {
	p.hide(row)
	if row.Ignored != "" {
		p.ignore(row)
		return
	}
	found, missed := p.find(row)
	switch {
	case row.Refused != "":
		if found.text != "" {
			p.Fail(found.key, "%s", row.Refused)
		}
	case found.text != "":
		if row.Converted != "" {
			p.Warn(found.key, "%s", row.Converted)
		}
		p.set(row, found)
	case row.Default != "":
		p.set(row, value{row.Default, row.Name, Metadata})
	case row.Required && missed:
		p.Fail(row.Name, "is required%s", p.misspelled(row.Name))
	}
}

// ignore warns about the keys of row in the metadata. Keys in an authentication may be there for other triggers.
func (p *Parsed) ignore(row Param) {
	var keys []string
	for _, name := range row.names() {
		for _, key := range []string{name, name + fromEnv} {
			if strings.TrimSpace(p.values.Metadata[key]) != "" {
				keys = append(keys, key)
			}
		}
	}
	if len(keys) > 0 {
		p.Warn(strings.Join(keys, ", "), "%s", row.Ignored)
	}
}

// hide adds a secret row's values in the metadata to the secrets, even if they are not read from there.
func (p *Parsed) hide(row Param) {
	if !row.Secret && row.from(Metadata) {
		return
	}
	_, isMap := row.To.(*map[string]string)
	_, isQuery := row.To.(*url.Values)
	for _, name := range row.names() {
		v := strings.TrimSpace(p.values.Metadata[name])
		p.secrets.Add(v)
		separator := row.separator()
		if isQuery {
			separator = "&"
		} else if !isMap {
			continue
		}
		for item := range strings.SplitSeq(v, separator) {
			_, of, _ := strings.Cut(item, "=")
			p.secrets.Add(item, of)
		}
	}
}

// find looks for the value of row in each place, and for each name there. missed says that the value is missing. It is
// false if the value may be in a place that is unknown.
func (p *Parsed) find(row Param) (found value, missed bool) {
	missed = true
	for _, origin := range row.origins() {
		for _, name := range row.names() {
			found := value{"", name, Origins(origin)}
			switch found.from {
			case Metadata:
				found.text = p.values.Metadata[name]
			case Auth:
				found.text = p.values.Auth[name]
				missed = missed && !p.values.AuthUnknown
			case Env:
				variable := strings.TrimSpace(p.values.Metadata[name+fromEnv])
				if variable == "" {
					continue
				}
				if p.values.Env == nil {
					if missed { // otherwise it may be in the authentication, which comes first
						p.Fail(name+fromEnv, "would be read from the environment of the workload's container, which trimtab does not do; write %s, or put it in a TriggerAuthentication with a secretTargetRef", name)
					}
					return value{}, false
				}
				found.text = p.values.Env[variable]
				p.secrets.Add(found.text)
			}
			if found.text = strings.TrimSpace(found.text); found.text != "" {
				return found, false
			}
		}
	}
	return value{}, missed
}

// mostCompared bounds the keys that are compared to find a misspelled name.
const mostCompared = 100

// misspelled names an unread key that may be meant for a missing parameter. The text is the end of a sentence.
func (p *Parsed) misspelled(name string) string {
	best, distance := "", len(name)/3+1
	for _, key := range p.unread[:min(len(p.unread), mostCompared)] {
		if d := config.Distance(strings.ToLower(key), strings.ToLower(name)); d < distance {
			best, distance = key, d
		}
	}
	if best == "" {
		return ""
	}
	return "; the unknown parameter " + text.Quote(best) + " may be meant for it"
}

// unknown warns about the keys without a row. It does not show their values: they may be credentials under a misspelled
// name.
func (p *Parsed) unknown() {
	read, known := p.table.inMetadata()
	unknown := slices.Clone(p.unread)
	for i, key := range unknown {
		unknown[i] = text.Short(key)
	}
	for _, key := range slices.Sorted(maps.Keys(p.values.Metadata)) {
		if places := p.table.places(key); places != "" && !slices.Contains(known, key) {
			p.Warn(key, "is ignored, as by KEDA: it is read from the %s only", places)
		}
	}
	switch len(unknown) {
	case 0:
	case 1:
		p.Warn(unknown[0], "unknown parameter, ignored as by KEDA%s", config.Suggest(unknown[0], read))
	default:
		p.Warn(text.List(unknown, ", "), "unknown parameters, ignored as by KEDA; known here: %s", strings.Join(read, ", "))
	}
}
