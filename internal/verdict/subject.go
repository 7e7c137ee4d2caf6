package verdict

import (
	"cmp"
	"strings"

	"github.com/trimtab/trimtab/internal/text"
)

// Subject is what a verdict is about: a pod, a node, a group, a metric, a trigger of a ScaledObject. It is comparable.
// For a valid Kubernetes name, making it allocates nothing. A longer name is cut.
type Subject struct {
	// Kind is one lower-case word for an object, such as pod, node, group or metric.
	Kind string
	// Name is its name, after the namespace and a slash if it has one. It is empty for a subject that exists only once.
	Name string
	// Of is the String of the subject of which this one is a part: "scaledobject default/web" for a trigger.
	Of string
}

// On makes the subject with that kind and name.
func On(kind, name string) Subject { return Subject{Kind: kind, Name: text.Line(name)} }

// Part makes the part of s with that kind and name.
func (s Subject) Part(kind, name string) Subject {
	return Subject{kind, text.Line(name), text.Line(s.String())}
}

// String names the subject for people: "pod default/web-1", "scaledobject default/web trigger queue".
func (s Subject) String() string {
	return strings.TrimSpace(strings.Join([]string{s.Of, s.Kind, s.Name}, " "))
}

// MarshalText writes the String, so that JSON has the subject as one text.
func (s Subject) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Compare orders subjects by Of, Kind and Name.
func (s Subject) Compare(other Subject) int {
	return cmp.Or(strings.Compare(s.Of, other.Of), strings.Compare(s.Kind, other.Kind), strings.Compare(s.Name, other.Name))
}
