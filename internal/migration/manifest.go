package migration

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/config"
)

const (
	// MaxManifestBytes bounds the manifests given, all together.
	MaxManifestBytes = 16 << 20
	// maxValues bounds what a document's aliases expand to.
	maxValues = 5_000_000
)

// Source is one file of manifests: a List, or several documents. Name is what errors call it.
type Source struct {
	Name string
	Data []byte
}

// manifests are the objects of the sources that matter here.
type manifests struct {
	workloads  []workload
	configMaps []configMap
	// others counts the objects of other kinds, for the error that finds no workload.
	others map[string]int
	seen   map[string]string // kind, namespace and name, to where it stands
}

// meta is the head of every object.
type meta struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name            string `yaml:"name"`
		Namespace       string `yaml:"namespace"`
		OwnerReferences []struct {
			Kind string `yaml:"kind"`
			Name string `yaml:"name"`
		} `yaml:"ownerReferences"`
	} `yaml:"metadata"`
}

func (m meta) String() string {
	return m.Kind + " " + qualified(m.Metadata.Namespace, m.Metadata.Name)
}

func qualified(namespace, name string) string {
	if namespace == "" {
		return printable(name)
	}
	return printable(namespace) + "/" + printable(name)
}

// printable is a name as a line of text can hold it.
func printable(name string) string {
	if quoted := Shown(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

type configMap struct {
	meta       `yaml:",inline"`
	Data       map[string]string `yaml:"data"`
	BinaryData map[string]string `yaml:"binaryData"`
}

// readManifests takes the sources apart. The error names file and line.
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

// reader reads the objects of one document, whose lines count from line.
type reader struct {
	file string
	line int
	into *manifests
}

func (r reader) document(root *yaml.Node) error {
	if root == nil {
		return nil
	}
	if n, err := expanded(root, map[*yaml.Node]int{}); err != nil {
		return r.fail(root, "%v", err)
	} else if n > maxValues {
		return r.fail(root, "it expands to more than %d values", maxValues)
	}
	return r.object(root, false)
}

// expanded is the number of values of n once all aliases are replaced by what they stand for.
func expanded(n *yaml.Node, sizes map[*yaml.Node]int) (int, error) {
	switch size, known := sizes[n]; {
	case known && size == 0:
		return 0, errors.New("an alias stands inside of what it stands for")
	case known:
		return size, nil
	}
	sizes[n] = 0
	total := 1
	children := n.Content
	if n.Kind == yaml.AliasNode {
		children = []*yaml.Node{n.Alias}
	}
	for _, child := range children {
		size, err := expanded(child, sizes)
		if err != nil {
			return 0, err
		}
		total = min(total+size, maxValues+1)
	}
	sizes[n] = total
	return total, nil
}

// object keeps n if it is of a kind that matters. inside says that it is an item of a List.
func (r reader) object(n *yaml.Node, inside bool) error {
	if n.Kind != yaml.MappingNode {
		return r.fail(n, "not a Kubernetes object")
	}
	var m meta
	if err := r.decode(n, &m); err != nil {
		return err
	}
	switch {
	case m.Kind == "":
		return r.fail(n, "kind: is required: this is not a Kubernetes object")
	case strings.HasSuffix(m.Kind, "List"):
		if inside {
			return r.fail(n, "a List stands in a List")
		}
		return r.items(n)
	case m.Kind == "ConfigMap", slices.Contains(workloadKinds(), m.Kind):
		return r.keep(n, m)
	}
	r.into.others[m.Kind]++
	return nil
}

func (r reader) items(n *yaml.Node) error {
	var list struct {
		Items []yaml.Node `yaml:"items"`
	}
	if err := r.decode(n, &list); err != nil {
		return err
	}
	for i := range list.Items {
		if err := r.object(&list.Items[i], true); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) keep(n *yaml.Node, m meta) error {
	where := fmt.Sprintf("%s:%d", r.file, n.Line+r.line)
	if m.Metadata.Name == "" {
		return r.fail(n, "metadata.name: is required")
	}
	if before, twice := r.into.seen[m.String()]; twice {
		return r.fail(n, "%s stands at %s already; give each object once", m, before)
	}
	r.into.seen[m.String()] = where
	if m.Kind == "ConfigMap" {
		c := configMap{}
		if err := r.decode(n, &c); err != nil {
			return err
		}
		r.into.configMaps = append(r.into.configMaps, c)
		return nil
	}
	w, err := r.workload(n, m)
	r.into.workloads = append(r.into.workloads, w)
	return err
}

// decode fills into from n; the error has a line for each value that does not fit.
func (r reader) decode(n *yaml.Node, into any) error {
	err := n.Decode(into)
	if err == nil {
		return nil
	}
	typed, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return r.fail(n, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var ps config.Problems
	for _, message := range typed.Errors {
		p := config.Problem{File: r.file, Message: message}
		if _, err := fmt.Sscanf(message, "line %d:", &p.Line); err == nil {
			_, p.Message, _ = strings.Cut(message, ": ")
			p.Message = plainly(p.Message)
			p.Line += r.line
		}
		ps = append(ps, p)
	}
	return ps
}

// plainly says what the YAML library says without Go's types and without the value, which may be a secret.
func plainly(message string) string {
	message, _, _ = strings.Cut(message, " at line ") // it counts from the document's beginning
	switch _, want, mismatch := strings.Cut(message, " into "); {
	case !mismatch:
		return message
	case strings.HasPrefix(want, "[]"):
		return "a list is expected"
	case want == "string" || want == "bool" || want == "int":
		return "a plain value is expected"
	default:
		return "a mapping is expected"
	}
}

func (r reader) fail(n *yaml.Node, format string, args ...any) error {
	return config.Problems{{File: r.file, Line: n.Line + r.line, Message: fmt.Sprintf(format, args...)}}
}
