package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/internal/config"
)

// dump is what was read of a cluster's objects.
type dump struct {
	kube.Objects
	// read and ignored count objects by kind.
	read, ignored map[string]int
	// owners has the controllers of the kinds that Kubernetes itself brings.
	owners map[owner]bool
	// replicas is how many those are to have that say so.
	replicas map[owner]int
	// priorities are the ConfigMaps of the expander priority, by namespace.
	priorities map[string]*corev1.ConfigMap
	// seen says where each object stands that was read.
	seen     map[owner]string
	problems config.Problems
	// more counts the problems beyond those, and documents the documents.
	more, documents int
	// storage is what decides on volumes and device claims.
	storage kubesched.Objects
}

type owner struct{ kind, namespace, name string }

// maxProblems bounds what is said about one dump.
const maxProblems = 50

// maxLocated bounds the documents in which lines are looked for, which costs many times their size.
const maxLocated = 8 << 20

// Bounds of what is in memory of the text.
const (
	// wholeText is up to where a document is read as a whole, whatever it is. What is larger is a List, of which the items are
	// read one after another.
	wholeText = 1 << 20
	// maxText bounds what of a document has to be read at once.
	maxText = 64 << 20
)

// readDump reads objects from JSON or YAML, one or several documents, each an object or a List. Documents of more than whole
// bytes are read piece by piece.
func readDump(name string, r io.Reader, whole int) *dump {
	d := &dump{read: map[string]int{}, ignored: map[string]int{}, owners: map[owner]bool{}, replicas: map[owner]int{}, priorities: map[string]*corev1.ConfigMap{}, seen: map[owner]string{}}
	d.Namespaces = map[string]map[string]string{}
	s := newStream(r)
	for s.next() {
		d.readDocument(s, whole)
	}
	if err := s.failure(); err != nil { // what comes before it may be cut off
		d.problems, d.more = config.Problems{{Message: printable(err.Error())}}, 0
	}
	if len(d.problems) == 0 && len(d.seen) == 0 {
		d.problems.Add("", "has no object that is read: no Node, no Pod; `kubectl get nodes,pods -A -o yaml` prints them")
	}
	if d.trim(); d.more > 0 {
		d.problems.Add("", "and %d more mistakes", d.more)
	}
	for i := range d.problems {
		d.problems[i].File = name
	}
	d.finish()
	return d
}

// trim counts the problems that are not printed, and forgets them.
func (d *dump) trim() {
	if more := len(d.problems) - maxProblems; more > 0 {
		d.problems, d.more = d.problems[:maxProblems], d.more+more
	}
}

// readDocument reads the document that the stream is at.
func (d *dump) readDocument(s *stream, whole int) {
	doc := config.Document{Line: s.begin()}
	var all bool
	doc.Data, all = s.text(whole)
	switch {
	case all && s.blank:
	case all && s.failure() == nil:
		d.wholeDocument(doc, !s.over())
	case isJSON(doc.Data):
		d.streamJSON(io.MultiReader(bytes.NewReader(doc.Data), s), doc.Line)
	default:
		d.streamYAML(doc, s)
	}
}

// wholeDocument reads one document, or several JSON objects without marks between them.
func (d *dump) wholeDocument(doc config.Document, more bool) {
	var notJSON error
	if docs := []config.Document(nil); bytes.HasPrefix(bytes.TrimSpace(doc.Data), []byte("{")) {
		if docs, notJSON = documentsOfJSON(doc); notJSON == nil {
			for i, value := range docs {
				d.document(value.Data, value, d.nextDocument(more || i < len(docs)-1))
			}
			return
		}
	}
	raw, found := toJSON(doc, false)
	if len(found) > 0 && isJSON(doc.Data) {
		found, _ = errors.AsType[config.Problems](notJSON)
	}
	where := d.nextDocument(more)
	if d.problems = append(d.problems, found...); len(found) == 0 {
		d.document(raw, doc, where)
	}
}

// nextDocument tells one of several documents from the others; the first of them only where it is known that there are more.
func (d *dump) nextDocument(more bool) string {
	if d.documents++; d.documents == 1 && !more {
		return ""
	}
	return fmt.Sprintf("document %d, ", d.documents)
}

// toJSON translates YAML, all of it. A key that stands twice is a mistake. inner says that the text stands by itself within a
// document, so that nothing can be left out.
func toJSON(doc config.Document, inner bool) ([]byte, config.Problems) {
	raw, err := yaml.YAMLToJSONStrict(doc.Data)
	if err == nil && !inner {
		err = trailing(doc.Data)
	}
	if err == nil {
		return raw, nil
	}
	var ps config.Problems
	for text := range strings.Lines(err.Error()) {
		p := config.Problem{}
		if _, after, ok := strings.Cut(text, "line "); ok {
			if _, err := fmt.Sscanf(after, "%d:", &p.Line); err == nil {
				_, text, _ = strings.Cut(after, ": ")
				p.Line += doc.Line - 1
			}
		}
		p.Message = "not YAML: " + printable(strings.TrimSpace(text))
		if p.Line > 0 {
			ps = append(ps, p)
		}
	}
	if len(ps) == 0 {
		_, message, _ := strings.Cut(err.Error(), "yaml: ")
		ps.Add("", "not YAML: %s", printable(message))
	}
	return nil, ps
}

// trailing is what is wrong with what stands behind the first value of the text. The decoder reads only that, and says nothing of
// the rest.
func trailing(text []byte) error {
	if outermost(text) && !bytes.ContainsAny(text, "\u0085\u2028\u2029") { // which are line ends too
		return nil
	}
	decoder := yamlv3.NewDecoder(bytes.NewReader(text))
	var value yamlv3.Node
	if err := decoder.Decode(&value); err == io.EOF { // nothing but comments
		return nil
	} else if err != nil {
		return err
	}
	switch err := decoder.Decode(&value); err {
	case io.EOF:
		return nil
	case nil:
		return fmt.Errorf("yaml: line %d: another value begins without --- before it", value.Line)
	default:
		return err
	}
}

// outermost is whether the text begins with a key or a dash at the very left: nothing can be further out, where the value would end.
func outermost(text []byte) bool {
	for line := range bytes.Lines(text) {
		if !onlyComment(line) {
			return line[0] == '-' || 'a' <= line[0] && line[0] <= 'z' || 'A' <= line[0] && line[0] <= 'Z'
		}
	}
	return true
}

// document reads one document, and finds the lines of its mistakes.
func (d *dump) document(raw []byte, doc config.Document, where string) {
	before := len(d.problems)
	d.objects(raw, where)
	if found := d.problems[before:]; len(doc.Data) <= maxLocated {
		found.Locate(doc)
	}
	d.trim()
}

// objects reads an object, or each item of a List.
func (d *dump) objects(raw []byte, where string) {
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return
	}
	var h header
	if err := json.Unmarshal(raw, &h); err != nil {
		d.report(where, "", raw, &h, err)
		return
	}
	l := &list{where: where}
	if !l.identify(&h) && (h.Kind != "" || h.Items == nil) {
		d.object(raw, h, where, "")
		return
	}
	for _, item := range h.Items {
		d.item(l, item, nil)
	}
	if h.Items != nil {
		d.finishList(l, &h, raw)
	}
}

// report says which value of raw could not be decoded.
func (d *dump) report(subject, path string, raw []byte, into any, err error) {
	found := mistakes(raw, into, path, false)
	if len(found) == 0 {
		found.Add(path, "%s", printable(err.Error()))
	}
	d.about(subject, found)
}

// about adds problems of an object.
func (d *dump) about(subject string, found config.Problems) {
	for _, p := range found {
		if subject = strings.TrimSuffix(subject, ", "); subject != "" {
			p.Message += " (" + subject + ")"
		}
		d.problems = append(d.problems, p)
	}
}

// finish judges what only the whole dump tells: which owners are missing, and what namespaces are called.
func (d *dump) finish() {
	known := map[string]bool{}
	for o := range d.owners {
		known[o.kind] = true
	}
	d.OwnerMissing = func(kind, namespace, name string) bool {
		return known[kind] && !d.owners[owner{kind, namespace, name}]
	}
	if d.storage.Any() {
		d.Storage = &d.storage
	}
	for _, p := range d.Pods {
		if _, is := d.Namespaces[p.Namespace]; !is { // the API server gives each this label
			d.Namespaces[p.Namespace] = map[string]string{corev1.LabelMetadataName: p.Namespace}
		}
	}
}
