package verdict

import (
	"cmp"
	"strings"

	"github.com/trimtab/trimtab/internal/text"
)

// Subject is what a verdict is about: a pod, a node, a group, a metric, a trigger of a ScaledObject.
// It is comparable, and costs no allocation to make of what Kubernetes takes for a name. A longer name is cut.
type Subject struct {
	// Kind is one lower-case word where it is an object, such as pod, node, group or metric.
	Kind string
	// Name is its name, after its namespace and a slash where it has one. It is empty for what there is once.
	Name string
	// Of is the String of the subject that this one is a part of: "scaledobject default/web" of a trigger.
	Of string
}

// On is the subject of that kind and name.
func On(kind, name string) Subject { return Subject{Kind: kind, Name: text.Line(name)} }

// Part is the part of s of that kind and name.
func (s Subject) Part(kind, name string) Subject {
	return Subject{kind, text.Line(name), text.Line(s.String())}
}

// String names the subject for people: "pod default/web-1", "scaledobject default/web trigger queue".
func (s Subject) String() string {
	return strings.TrimSpace(strings.Join([]string{s.Of, s.Kind, s.Name}, " "))
}

// MarshalText writes the String, so that JSON has the subject as one text.
func (s Subject) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Compare orders subjects by what they are a part of, kind and name.
func (s Subject) Compare(other Subject) int {
	return cmp.Or(strings.Compare(s.Of, other.Of), strings.Compare(s.Kind, other.Kind), strings.Compare(s.Name, other.Name))
}
