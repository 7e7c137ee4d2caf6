package scheduler

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

// Read reads the text of a Case, strictly. An object without a namespace is in "default", one without a uid has
// NAMESPACE-NAME, and one without a resourceVersion has "1". file is for messages.
func Read(file string, text []byte) (*Case, error) {
	c, err := read(text)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// document is one of the YAML documents of a file; line is the number of lines before it.
type document struct {
	line int
	text string
}

func documentsOf(text string) []document {
	out := []document{{}}
	for i, line := range strings.SplitAfter(text, "\n") {
		if strings.TrimRight(line, " \n") == "---" {
			out = append(out, document{line: i + 1})
			continue
		}
		out[len(out)-1].text += line
	}
	return out
}

func read(text []byte) (*Case, error) {
	documents := documentsOf(string(text))
	c := &Case{Comment: commentOf(string(text)), Namespaces: map[string]map[string]string{}}
	seen := map[string]bool{}
	for i, d := range documents {
		var tree yaml.Node
		if err := yaml.Unmarshal([]byte(d.text), &tree); err != nil {
			return nil, fmt.Errorf("document %d, from line %d: %w", i+1, d.line+1, err)
		}
		if len(tree.Content) == 0 { // a comment
			continue
		}
		root := tree.Content[0]
		if has(root, "steps") != (i == len(documents)-1) {
			return nil, fmt.Errorf("document %d, from line %d: the steps are the last document, and no other", i+1, d.line+1)
		}
		if i == len(documents)-1 {
			r := stepReader{line: d.line}
			steps, err := r.steps(root)
			if err != nil {
				return nil, err
			}
			c.Steps = steps
			break
		}
		o, err := decode(d.text)
		if err == nil {
			err = c.add(o, seen)
		}
		if err != nil {
			return nil, fmt.Errorf("document %d, from line %d (%s): %w", i+1, d.line+1, titleOf(root), err)
		}
	}
	return c, nil
}

// commentOf is what stands in the first lines of the text behind "#".
func commentOf(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "#") {
			break
		}
		lines = append(lines, strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
	}
	return strings.Join(lines, "\n")
}

func has(mapping *yaml.Node, key string) bool { return valueOf(mapping, key) != nil }

// valueOf is what the key has, or nil.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; mapping.Kind == yaml.MappingNode && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// titleOf is the kind and name of what should be an API object.
func titleOf(root *yaml.Node) string {
	title := "no kind"
	if kind := valueOf(root, "kind"); kind != nil {
		title = kind.Value
	}
	if m := valueOf(root, "metadata"); m != nil {
		if name := valueOf(m, "name"); name != nil {
			title += " " + name.Value
		}
	}
	return title
}

func decode(text string) (runtime.Object, error) {
	o, _, err := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer().Decode([]byte(text), nil, nil)
	return o, err
}

// add takes the object in.
func (c *Case) add(o runtime.Object, seen map[string]bool) error {
	m, err := meta.Accessor(o)
	if err != nil {
		return err
	}
	if m.GetName() == "" {
		return fmt.Errorf("metadata.name is missing")
	}
	name := fmt.Sprintf("%T %s/%s", o, m.GetNamespace(), m.GetName())
	switch o := o.(type) {
	case *corev1.Namespace:
		c.Namespaces[o.Name] = o.Labels
	case *corev1.Node:
		c.Nodes = append(c.Nodes, o)
	case *corev1.Pod:
		name = "pod " + o.Name // the steps know no namespaces
		c.Pods = append(c.Pods, o)
		c.namespace(o)
	case *corev1.PersistentVolumeClaim, *resourcev1.ResourceClaim, *storagev1.CSIStorageCapacity:
		c.namespace(m)
		c.Objects = append(c.Objects, o)
	case *corev1.PersistentVolume, *storagev1.StorageClass, *storagev1.CSINode, *storagev1.CSIDriver, *storagev1.VolumeAttachment,
		*resourcev1.ResourceSlice, *resourcev1.DeviceClass:
		c.Objects = append(c.Objects, o)
	default:
		return fmt.Errorf("kube-scheduler is asked about no object of this kind")
	}
	if seen[name] {
		return fmt.Errorf("there is another one of that name")
	}
	seen[name] = true
	if m.GetUID() == "" {
		m.SetUID(uidOf(m))
	}
	if m.GetResourceVersion() == "" {
		m.SetResourceVersion("1")
	}
	return nil
}

func uidOf(m metav1.Object) types.UID { return types.UID(m.GetNamespace() + "-" + m.GetName()) }

func (c *Case) namespace(m metav1.Object) {
	if m.GetNamespace() == "" {
		m.SetNamespace(metav1.NamespaceDefault)
	}
	if _, known := c.Namespaces[m.GetNamespace()]; !known {
		c.Namespaces[m.GetNamespace()] = nil
	}
}

// stepReader reads the last document. line is the number of lines before it.
type stepReader struct{ line int }

func (r *stepReader) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", r.line+n.Line, fmt.Errorf(format, args...))
}

func (r *stepReader) steps(root *yaml.Node) ([]Step, error) {
	if err := r.keys(root, "the last document", "steps"); err != nil {
		return nil, err
	}
	list := valueOf(root, "steps")
	for _, n := range []*yaml.Node{root, root.Content[0], list} {
		if n.FootComment+n.LineComment != "" {
			return nil, r.errorf(n, "a comment below the steps would be lost when the answers are written anew; write it above one")
		}
	}
	if list.Kind != yaml.SequenceNode {
		return nil, r.errorf(list, "steps: a list of steps is needed")
	}
	var out []Step
	for i, item := range list.Content {
		s, err := r.step(item, fmt.Sprintf("steps[%d]", i))
		if err != nil {
			return nil, err
		}
		if stray := strayComment(item); stray != nil {
			return nil, r.errorf(stray, "steps[%d]: a comment that would be lost when the answers are written anew; write it above a step", i)
		}
		out = append(out, s)
	}
	return out, nil
}

// strayComment is where a comment stands that is not above the step; nil if there is none.
func strayComment(item *yaml.Node) *yaml.Node {
	if item.LineComment+item.FootComment != "" {
		return item
	}
	for _, n := range item.Content {
		if n.HeadComment != "" {
			return n
		}
		if stray := strayComment(n); stray != nil {
			return stray
		}
	}
	return nil
}

func (r *stepReader) step(item *yaml.Node, path string) (s Step, err error) {
	if err := r.keys(item, path, "place", "on", "take", "ask", "want"); err != nil {
		return s, err
	}
	s = Step{Comment: item.HeadComment, Line: r.line + item.Line}
	for _, verb := range []Verb{Place, Take, Ask} {
		if pod := valueOf(item, string(verb)); pod != nil && s.Verb == "" {
			s.Verb, s.Pod = verb, pod.Value
		} else if pod != nil {
			return s, r.errorf(item, "%s: %s and %s are two steps", path, s.Verb, verb)
		}
	}
	on, want := valueOf(item, "on"), valueOf(item, "want")
	switch {
	case s.Verb == "":
		return s, r.errorf(item, "%s: one of place, take and ask is needed", path)
	case (on != nil) != (s.Verb == Place):
		return s, r.errorf(item, "%s: place has on, with a node, and no other has it", path)
	case want != nil && (s.Verb != Ask || want.Kind != yaml.SequenceNode || len(want.Content) == 0):
		return s, r.errorf(want, "%s.want: ask, and no other, has a list such as \"- NODE: fits\"", path)
	case on != nil:
		s.On = on.Value
	case want != nil:
		s.Want, err = r.answers(want, path)
	}
	return s, err
}

// answers reads items that are a node, or a node and what is said of it.
func (r *stepReader) answers(want *yaml.Node, path string) ([]Answer, error) {
	var out []Answer
	for i, item := range want.Content {
		switch {
		case item.Kind == yaml.ScalarNode:
			out = append(out, Answer{Node: item.Value})
		case item.Kind == yaml.MappingNode && len(item.Content) == 2 && item.Content[1].Kind == yaml.ScalarNode:
			out = append(out, Answer{item.Content[0].Value, item.Content[1].Value})
		default:
			return nil, r.errorf(item, "%s.want[%d]: one node and one answer are needed, as in \"- NODE: fits\"", path, i)
		}
	}
	return out, nil
}

// keys says which key of the mapping is unknown or there twice.
func (r *stepReader) keys(n *yaml.Node, path string, known ...string) error {
	if n.Kind != yaml.MappingNode {
		return r.errorf(n, "%s: %q is not one of the keys %s", path, n.Value, strings.Join(known, ", "))
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			return r.errorf(key, "%s: unknown key %q; known are %s", path, key.Value, strings.Join(known, ", "))
		case seen[key.Value]:
			return r.errorf(key, "%s: %s is there twice", path, key.Value)
		case key.Value != "steps" && key.Value != "want" && (value.Kind != yaml.ScalarNode || value.Value == ""):
			return r.errorf(key, "%s.%s: a name is needed", path, key.Value)
		}
		seen[key.Value] = true
	}
	return nil
}
