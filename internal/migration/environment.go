package migration

import (
	"fmt"
	"regexp"
	"strings"
)

// Environment has a container's variables by name, with values from its manifest.
type Environment map[string]string

// environment has the variables with a value, and those with the namespace. Values from a Secret or a ConfigMap are not
// read. Variables that are too large to start any program are an error.
func (c candidate) environment() (Environment, error) {
	env := Environment{}
	size := 0
	for _, e := range c.container.Env {
		delete(env, e.Name) // the last one of a name counts
		switch from := e.ValueFrom; {
		case from == nil:
			if a := expand(e.Value, env); len(a.Unknown) == 0 {
				env[e.Name] = a.Text
			}
		case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace" && c.workload.Namespace != "":
			env[e.Name] = c.workload.Namespace
		}
		if size += len(e.Name) + len(env[e.Name]); size > maxStart {
			return nil, fmt.Errorf("%s: its variables have more than %d bytes, too many for a program", c, maxStart)
		}
	}
	return env, nil
}

// WhyUnknown says that the user must look for the values of variables.
func WhyUnknown(names []string) string {
	var out []string
	for _, name := range names {
		out = append(out, fmt.Sprintf("the value of $(%s) is not known", printable(name)))
	}
	return strings.Join(out, ", and ")
}

// maxWord bounds a word of a command line and a variable, as Linux does.
const maxWord = 128 << 10

// expand replaces $(NAME) as the kubelet does. $$ is a dollar sign. A reference to an unknown variable, or one that
// would make a word too long, stays as it is.
func expand(text string, env Environment) Argument {
	var a Argument
	size := len(text)
	a.Text = regexp.MustCompile(`\$\$|\$\([^)]*\)`).ReplaceAllStringFunc(text, func(ref string) string {
		if ref == "$$" {
			return "$"
		}
		name := ref[len("$(") : len(ref)-len(")")]
		value, known := env[name]
		if size += len(value); !known || size > maxWord {
			a.Unknown = append(a.Unknown, name)
			return ref
		}
		return value
	})
	return a
}
