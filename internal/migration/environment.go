package migration

import (
	"fmt"
	"strings"
)

// Environment is what a container's variables hold, by name.
type Environment map[string]Variable

// Variable is one of them.
type Variable struct {
	Value string
	// Elsewhere says where the value stands, if that is not among the manifests: `Secret monitoring/prom, key user`.
	Elsewhere string
}

// WhyUnknown tells where the values of variables have to be looked for.
func (e Environment) WhyUnknown(names []string) string {
	var out []string
	for _, name := range names {
		switch v, exists := e[name]; {
		case v.Elsewhere != "":
			out = append(out, fmt.Sprintf("$(%s) comes from %s, which is not read", printable(name), v.Elsewhere))
		case exists:
			out = append(out, fmt.Sprintf("$(%s) makes more than %d bytes of it, too much for a program", printable(name), maxWord))
		default:
			out = append(out, fmt.Sprintf("the value of $(%s) is not in the manifests", printable(name)))
		}
	}
	return strings.Join(out, ", and ")
}

// maxWord bounds a word of a command line and a variable, as Linux does.
const maxWord = 128 << 10

// expand fills in $(NAME) as the kubelet does: $$ stands for a dollar that begins no reference, and a
// reference to a variable that is not known, or too long for a word, stays as it is.
func expand(text string, env Environment) Argument {
	var out strings.Builder
	var unknown []string
	for text != "" {
		dollar := strings.IndexByte(text, '$')
		if dollar < 0 || dollar == len(text)-1 {
			break
		}
		out.WriteString(text[:dollar])
		text = text[dollar+1:]
		name, rest, closed := strings.Cut(text[1:], ")")
		switch {
		case text[0] == '$':
			out.WriteByte('$')
			text = text[1:]
		case text[0] != '(' || !closed:
			out.WriteByte('$')
		default:
			v, exists := env[name]
			if !exists || v.Elsewhere != "" || out.Len()+len(v.Value) > maxWord {
				unknown = append(unknown, name)
				out.WriteString("$(" + name + ")")
			} else {
				out.WriteString(v.Value)
			}
			text = rest
		}
	}
	out.WriteString(text)
	return Argument{out.String(), unknown}
}

// Either finds a variable by its name in capitals or, as curl has them, in small letters.
func (e Environment) Either(name string) (Variable, bool) {
	if v, ok := e[name]; ok {
		return v, true
	}
	v, ok := e[strings.ToLower(name)]
	return v, ok
}

// WithoutProxy says that NO_PROXY names the host or a domain around it.
func (e Environment) WithoutProxy(host string) bool {
	list, _ := e.Either("NO_PROXY")
	for entry := range strings.SplitSeq(list.Value, ",") {
		entry = strings.TrimPrefix(strings.TrimSpace(entry), ".")
		if entry == "*" || entry != "" && (host == entry || strings.HasSuffix(host, "."+entry)) {
			return true
		}
	}
	return false
}
