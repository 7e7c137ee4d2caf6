package scheduler

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// Text is the Case as Read reads it.
func (c *Case) Text() ([]byte, error) {
	var out bytes.Buffer
	if c.Comment != "" {
		for line := range strings.SplitSeq(c.Comment, "\n") {
			out.WriteString(strings.TrimRight("# "+line, " ") + "\n")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Namespaces)) {
		if len(c.Namespaces[name]) == 0 {
			continue
		}
		if err := writeObject(&out, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: c.Namespaces[name]}}); err != nil {
			return nil, err
		}
	}
	var objects []runtime.Object
	for _, n := range c.Nodes {
		objects = append(objects, n)
	}
	objects = append(objects, c.Objects...)
	for _, p := range c.Pods {
		objects = append(objects, p)
	}
	for _, o := range objects {
		if err := writeObject(&out, o); err != nil {
			return nil, err
		}
	}
	out.WriteString("---\n")
	c.writeSteps(&out)
	return out.Bytes(), nil
}

// Rewrite is the text, from which the Case was read, with its steps written anew. The rest of it stays to the letter, and so do
// comments above steps.
func (c *Case) Rewrite(text []byte) []byte {
	documents := documentsOf(string(text))
	var out bytes.Buffer
	for i, d := range documents {
		if i > 0 {
			out.WriteString("---\n")
		}
		if i == len(documents)-1 {
			d.text = d.text[:strings.Index("\n"+d.text, "\nsteps:")] // the comment above them
		}
		out.WriteString(d.text)
	}
	c.writeSteps(&out)
	return out.Bytes()
}

func (c *Case) writeSteps(b *bytes.Buffer) {
	b.WriteString("steps:\n")
	for _, s := range c.Steps {
		if s.Comment != "" {
			b.WriteString(s.Comment + "\n")
		}
		fmt.Fprintf(b, "- %s: %s\n", s.Verb, scalar(s.Pod))
		if s.On != "" {
			fmt.Fprintf(b, "  on: %s\n", scalar(s.On))
		}
		if len(s.Want) > 0 {
			b.WriteString("  want:\n")
		}
		for _, a := range s.Want {
			if a.Says == "" {
				fmt.Fprintf(b, "  - %s\n", scalar(a.Node))
				continue
			}
			fmt.Fprintf(b, "  - %s: %s\n", scalar(a.Node), scalar(a.Says))
		}
	}
}

// scalar is the text as YAML, on one line.
func scalar(text string) string {
	out, err := yamlv3.Marshal(text) // which does not wrap lines
	line := strings.TrimSpace(string(out))
	if err != nil || strings.Contains(line, "\n") {
		return fmt.Sprintf("%q", text)
	}
	return line
}

// writeObject writes the object without what Read adds by itself, and without what means nothing.
func writeObject(out *bytes.Buffer, o runtime.Object) error {
	o = o.DeepCopyObject()
	m, err := meta.Accessor(o)
	if err != nil {
		return err
	}
	if m.GetUID() == uidOf(m) {
		m.SetUID("")
	}
	if m.GetResourceVersion() == "1" {
		m.SetResourceVersion("")
	}
	kinds, _, err := scheme.Scheme.ObjectKinds(o)
	if err != nil {
		return fmt.Errorf("%s: %w", m.GetName(), err)
	}
	tree, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return fmt.Errorf("%s %s: %w", kinds[0].Kind, m.GetName(), err)
	}
	tree["apiVersion"], tree["kind"] = kinds[0].ToAPIVersionAndKind()
	switch o := o.(type) {
	case *corev1.Node:
		if o.Status.NodeInfo == (corev1.NodeSystemInfo{}) {
			unstructured.RemoveNestedField(tree, "status", "nodeInfo")
		}
		if o.Status.DaemonEndpoints == (corev1.NodeDaemonEndpoints{}) {
			unstructured.RemoveNestedField(tree, "status", "daemonEndpoints")
		}
	case *storagev1.VolumeAttachment:
		unstructured.RemoveNestedField(tree, "status") // it counts all the same
	}
	prune(tree)
	for _, key := range []string{"spec", "status"} {
		if empty(tree[key]) {
			delete(tree, key)
		}
	}
	text, err := yaml.Marshal(tree)
	if err != nil {
		return fmt.Errorf("%s %s: %w", kinds[0].Kind, m.GetName(), err)
	}
	out.WriteString("---\n")
	out.Write(text)
	return nil
}

// prune drops what is null, and containers' resources that are empty.
func prune(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			if v == nil || key == "resources" && empty(v) {
				delete(value, key)
				continue
			}
			prune(v)
		}
	case []any:
		for _, v := range value {
			prune(v)
		}
	}
}

func empty(value any) bool {
	m, is := value.(map[string]any)
	return is && len(m) == 0
}
