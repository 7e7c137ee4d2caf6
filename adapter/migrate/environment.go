package migrate

import (
	"fmt"
	"strings"
)

// environment is what a container's variables hold, by name.
type environment map[string]variable

type variable struct {
	value string
	// elsewhere says where the value stands, if that is not among the manifests: `Secret monitoring/prom, key user`.
	elsewhere string
}

// whyUnknown tells where the values of variables have to be looked for.
func (e environment) whyUnknown(names []string) string {
	var out []string
	for _, name := range names {
		if from := e[name].elsewhere; from != "" {
			out = append(out, fmt.Sprintf("$(%s) comes from %s, which is not read", name, from))
		} else {
			out = append(out, fmt.Sprintf("the value of $(%s) is not in the manifests", name))
		}
	}
	return strings.Join(out, ", and ")
}

// expand fills in $(NAME) as the kubelet does: $$ stands for a dollar that begins no reference, and a
// reference to a variable that is not known stays as it is.
func expand(text string, env environment) argument {
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
			if !exists || v.elsewhere != "" {
				unknown = append(unknown, name)
				out.WriteString("$(" + name + ")")
			} else {
				out.WriteString(v.value)
			}
			text = rest
		}
	}
	out.WriteString(text)
	return argument{out.String(), unknown}
}

// either finds a variable by its name in capitals or, as curl has them, in small letters.
func (e environment) either(name string) (variable, bool) {
	if v, ok := e[name]; ok {
		return v, true
	}
	v, ok := e[strings.ToLower(name)]
	return v, ok
}

// withoutProxy says that NO_PROXY names the host or a domain around it.
func (e environment) withoutProxy(host string) bool {
	list, _ := e.either("NO_PROXY")
	for entry := range strings.SplitSeq(list.value, ",") {
		entry = strings.TrimPrefix(strings.TrimSpace(entry), ".")
		if entry == "*" || entry != "" && (host == entry || strings.HasSuffix(host, "."+entry)) {
			return true
		}
	}
	return false
}
