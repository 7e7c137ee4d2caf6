package migration

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/text"
)

// MaxManifestBytes bounds all manifests together.
const MaxManifestBytes = 16 << 20

// Source is one file of manifests: a List, or several documents. Name is its name in errors.
type Source struct {
	Name string
	Data []byte
}

// manifests are the relevant objects of the sources.
type manifests struct {
	workloads, configMaps []object
	// others counts the objects of other kinds, for the error when no workload is found.
	others map[string]int
	seen   map[string]string // kind, namespace and name, to their place
}

// object has the relevant fields of a workload, or of a ConfigMap with its files.
type object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		corev1.PodSpec `json:",inline"`       // of a Pod
		Template       corev1.PodTemplateSpec `json:"template"` // of what makes pods
	} `json:"spec"`
	Data map[string]string `json:"data"` // of a ConfigMap
}

// String is the object's name in messages. It hides the String of the Kubernetes types, which would print everything.
func (o *object) String() string { return o.Kind + " " + qualified(o.Namespace, o.Name) }

func qualified(namespace, name string) string {
	if namespace == "" {
		return printable(name)
	}
	return printable(namespace) + "/" + printable(name)
}

// printable is a name as a line of text can hold it.
func printable(name string) string {
	if quoted := text.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// readManifests splits the sources into objects. The error has file and line.
func readManifests(program string, sources []Source) (*manifests, error) {
	m := &manifests{others: map[string]int{}, seen: map[string]string{}}
	total := 0
	for _, s := range sources {
		if total += len(s.Data); total > MaxManifestBytes {
			return nil, fmt.Errorf("%s: the manifests have more than %d bytes; give those of %s alone", s.Name, MaxManifestBytes, program)
		}
		for _, doc := range config.Documents(s.Data) {
			root, err := doc.Root(s.Name)
			if err != nil {
				return nil, err
			}
			r := reader{file: s.Name, line: doc.Line - 1, into: m}
			if err := r.document(root); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// reader reads the objects of one document. Its lines are counted from line.
type reader struct {
	file string
	line int
	into *manifests
}

func (r reader) document(root *yaml.Node) error {
	if root == nil {
		return nil
	}
	if alias := aliasIn(root); alias != nil {
		return r.fail(alias, "an alias (*%s) is not read here; give what `kubectl get -o yaml` prints, which has none", printable(alias.Value))
	}
	return r.object(root, false)
}

// aliasIn is the first alias below n. Without aliases, time and memory are bounded by the size of the input.
func aliasIn(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n
	}
	for _, child := range n.Content {
		if found := aliasIn(child); found != nil {
			return found
		}
	}
	return nil
}

// object keeps n if its kind is relevant. inside says that it is an item of a List.
func (r reader) object(n *yaml.Node, inside bool) error {
	kind := lookup(n, "kind")
	switch {
	case n.Kind != yaml.MappingNode:
		return r.fail(n, "not a Kubernetes object")
	case kind == nil || kind.Value == "":
		return r.fail(n, "kind: is required: this is not a Kubernetes object")
	case strings.HasSuffix(kind.Value, "List"):
		if inside {
			return r.fail(n, "a List stands in a List")
		}
		if items := lookup(n, "items"); items != nil {
			for _, item := range items.Content {
				if err := r.object(item, true); err != nil {
					return err
				}
			}
		}
		return nil
	case kind.Value == "ConfigMap", slices.Contains(workloadKinds(), kind.Value):
		return r.keep(n)
	}
	r.into.others[kind.Value]++
	return nil
}

func (r reader) keep(n *yaml.Node) error {
	var o object
	if err := r.decode(n, &o); err != nil {
		return err
	}
	if o.Name == "" {
		return r.fail(n, "metadata.name: is required")
	}
	if before, twice := r.into.seen[o.String()]; twice {
		return r.fail(n, "%s stands at %s already; give each object once", &o, before)
	}
	r.into.seen[o.String()] = fmt.Sprintf("%s:%d", r.file, n.Line+r.line)
	if o.Kind == "ConfigMap" {
		r.into.configMaps = append(r.into.configMaps, o)
	} else {
		r.into.workloads = append(r.into.workloads, o)
	}
	return nil
}

// decode fills o as the API server does: from JSON, with Kubernetes' own types. The error does not repeat a value,
// which may be a secret.
func (r reader) decode(n *yaml.Node, o *object) error {
	var tree any
	if err := n.Decode(&tree); err != nil {
		return r.twice(n, err)
	}
	text, err := json.Marshal(tree)
	if err == nil {
		err = json.Unmarshal(text, o)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		is, _, _ := strings.Cut(wrong.Value, " ")
		want := "a mapping"
		switch wrong.Type.Kind() {
		case reflect.String:
			want = "a string"
		case reflect.Slice:
			want = "a list"
		}
		return r.fail(n, "%s: %s is expected, not one of the type %s", strings.ReplaceAll(wrong.Field, "PodSpec.", ""), want, is)
	}
	if err != nil {
		return r.fail(n, "not an object as the API server reads it: a key or a value is of a wrong form")
	}
	return nil
}

// twice is the error of a duplicate key in a mapping, with its line.
func (r reader) twice(n *yaml.Node, err error) error {
	text, at := strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n  "), *n
	if _, unread := fmt.Sscanf(text, "line %d: ", &at.Line); unread == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	text, _, _ = strings.Cut(text, " at line ") // it counts from the document's beginning
	return r.fail(&at, "%s", text)
}

func (r reader) fail(n *yaml.Node, format string, args ...any) error {
	return config.Problems{{File: r.file, Line: n.Line + r.line, Message: fmt.Sprintf(format, args...)}}
}
