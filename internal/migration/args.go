package migration

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
)

// Argument is one word of a container's command line, with its variables replaced by their values.
type Argument struct {
	Text string
	// Unknown are the variables without a known value. Text still has their references.
	Unknown []string
}

// parse reads a command line as package pflag does: --flag=value, --flag value, -v 6, -v6, boolean flags without a
// value. It skips words that are no flags, and everything after "--". The notes say what cannot be read, in the order
// of the arguments.
func (p Program) parse(args []Argument) (map[string][]Argument, []Note) {
	given := map[string][]Argument{}
	var notes []Note
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word.Text == "--" {
			break
		}
		name, rest, inline, ok := splitFlag(word.Text)
		if !ok {
			continue
		}
		f, exists := p.flag(name)
		if !exists {
			notes = append(notes, p.unknown(word.Text, name, len(notes) < mostNear))
			continue
		}
		switch {
		case inline:
			given[f.Name] = append(given[f.Name], Argument{rest, word.Unknown})
		case f.Kind == Bool:
			given[f.Name] = append(given[f.Name], Argument{Text: "true"})
		case i+1 < len(args):
			i++
			given[f.Name] = append(given[f.Name], args[i])
		default:
			notes = append(notes, Note{Flag: f.Spelling(), Message: "needs a value; " + p.Name + " does not start without it",
				Page: p.Page + "#" + f.Group.Anchor(), Blocking: true})
		}
	}
	return given, notes
}

// splitFlag splits a flag into name and value. ok is false for a word that is no flag. With one dash there is only -v.
func splitFlag(word string) (name, value string, inline, ok bool) {
	if long, isLong := strings.CutPrefix(word, "--"); isLong {
		name, value, inline = strings.Cut(long, "=")
		return name, value, inline, true
	}
	short, isShort := strings.CutPrefix(word, "-")
	if !isShort || short == "" {
		return "", "", false, false
	}
	if short[0] != 'v' {
		name, _, _ = strings.Cut(short, "=")
		return "-" + name, "", false, true // with its dash, so that no flag has this name
	}
	return "v", strings.TrimPrefix(short[1:], "="), len(short) > 1, true
}

// mostNear bounds the unknown flags for which similar ones are looked up, since that takes time.
const mostNear = 20

// unknown notes an unknown flag. If near is set, it names the most similar flags.
func (p Program) unknown(word, name string, near bool) Note {
	spelled, _, _ := strings.Cut(word, "=")
	if len(spelled) > 80 {
		spelled = strings.ToValidUTF8(spelled[:80], "") + "..."
	}
	message := "is no flag of " + p.Name
	if near {
		if known := p.nearest(strings.TrimLeft(name, "-"), 3); len(known) > 0 {
			message += "; the nearest known ones are " + strings.Join(known, ", ")
		}
	}
	return Note{Flag: spelled, Message: message, Page: p.Page + "#" + Other.Anchor(), Blocking: true}
}

// nearest are the n flags with the most similar names, the most similar first.
func (p Program) nearest(name string, n int) []string {
	if len(name) > 80 {
		return nil
	}
	type scored struct {
		flag     string
		distance int
	}
	var all []scored
	for _, f := range p.Flags {
		all = append(all, scored{f.Spelling(), config.Distance(strings.ReplaceAll(name, "_", "-"), f.Name)})
	}
	slices.SortStableFunc(all, func(a, b scored) int { return a.distance - b.distance })
	var out []string
	for _, s := range all[:min(n, len(all))] {
		out = append(out, s.flag)
	}
	return out
}
