package migrate

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
)

// argument is one word of a container's command line, with references to its environment filled in.
type argument struct {
	text string
	// unknown are the variables whose values are not known; text holds their references as they were.
	unknown []string
}

// parseArgs reads a command line as prometheus-adapter does (package pflag): --flag=value, --flag value,
// -v 6, -v6, boolean flags without a value; words that are no flags are passed over, and so is all behind
// "--". The notes tell what cannot be read, in the order given.
func parseArgs(args []argument) (map[string][]argument, []Note) {
	given, known := map[string][]argument{}, flagsByName()
	var notes []Note
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word.text == "--" {
			break
		}
		name, rest, inline, ok := splitFlag(word.text)
		if !ok {
			continue
		}
		f, exists := known[name]
		if !exists {
			notes = append(notes, unknownFlag(word.text, name))
			continue
		}
		switch {
		case inline:
			given[f.Name] = append(given[f.Name], argument{rest, word.unknown})
		case f.kind == kindBool:
			given[f.Name] = append(given[f.Name], argument{text: "true"})
		case i+1 < len(args):
			i++
			given[f.Name] = append(given[f.Name], args[i])
		default:
			notes = append(notes, Note{Flag: f.spelling(), Message: "needs a value; prometheus-adapter does not start without it",
				Page: page + "#" + f.Group.Anchor(), Blocking: true})
		}
	}
	return given, notes
}

// splitFlag takes a flag apart; ok says that the word is one. Of the flags with one dash there is only -v.
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

func flagsByName() map[string]Flag {
	out := map[string]Flag{}
	for _, f := range Flags() {
		out[f.Name] = f
		if f.Known != "" {
			out[strings.ReplaceAll(f.Name, "-", "_")] = f // as klog wrote them
		}
	}
	return out
}

// unknownFlag names the nearest flags that there are.
func unknownFlag(word, name string) Note {
	spelled, _, _ := strings.Cut(word, "=")
	if len(spelled) > 80 {
		spelled = strings.ToValidUTF8(spelled[:80], "") + "..."
	}
	message := "is no flag of prometheus-adapter"
	if near := nearest(strings.TrimLeft(name, "-"), 3); len(near) > 0 {
		message += "; the nearest known ones are " + strings.Join(near, ", ")
	}
	return Note{Flag: spelled, Message: message, Page: page + "#" + Other.Anchor(), Blocking: true}
}

// nearest are the n flags whose names are the most like name, the most similar first.
func nearest(name string, n int) []string {
	if len(name) > 80 {
		return nil
	}
	type scored struct {
		flag     string
		distance int
	}
	var all []scored
	for _, f := range Flags() {
		all = append(all, scored{f.spelling(), config.Distance(strings.ReplaceAll(name, "_", "-"), f.Name)})
	}
	slices.SortStableFunc(all, func(a, b scored) int { return a.distance - b.distance })
	var out []string
	for _, s := range all[:n] {
		out = append(out, s.flag)
	}
	return out
}
