package offline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	// storage is what decides on volumes and device claims.
	storage kubesched.Objects
}

type owner struct{ kind, namespace, name string }

// maxProblems bounds what is said about one dump.
const maxProblems = 50

// maxLocated bounds the documents in which lines are looked for, which costs many times their size.
const maxLocated = 8 << 20

// readDump reads objects from JSON or YAML, one or several documents, each an object or a List.
func readDump(in Input) *dump {
	d := &dump{read: map[string]int{}, ignored: map[string]int{}, owners: map[owner]bool{}, replicas: map[owner]int{}, priorities: map[string]*corev1.ConfigMap{}, seen: map[owner]string{}}
	d.Namespaces = map[string]map[string]string{}
	if docs, ok := documentsOfJSON(in.Data); ok {
		for i, doc := range docs {
			d.document(doc.Data, doc, within("document", i, len(docs)))
		}
	} else {
		docs := config.Documents(in.Data)
		for i, doc := range docs {
			raw, found := toJSON(doc)
			d.problems = append(d.problems, found...)
			if len(found) == 0 {
				d.document(raw, doc, within("document", i, len(docs)))
			}
		}
	}
	if len(d.problems) == 0 && len(d.seen) == 0 {
		d.problems.Add("", "has no object that is read: no Node, no Pod; `kubectl get nodes,pods -A -o yaml` prints them")
	}
	if more := len(d.problems) - maxProblems; more > 0 {
		d.problems = d.problems[:maxProblems]
		d.problems.Add("", "and %d more mistakes", more)
	}
	for i := range d.problems {
		d.problems[i].File = in.Name
	}
	d.finish()
	return d
}

// within tells one of several documents from the others.
func within(what string, i, n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("%s %d, ", what, i+1)
}

// documentsOfJSON splits a stream of JSON objects. It is not ok for what is no JSON.
func documentsOfJSON(data []byte) (docs []config.Document, ok bool) {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	line, counted := 1, 0
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err == io.EOF {
			return docs, true
		} else if err != nil {
			return nil, false
		}
		begin := int(decoder.InputOffset()) - len(raw)
		line += bytes.Count(data[counted:begin], []byte("\n"))
		counted = begin
		docs = append(docs, config.Document{Line: line, Data: raw})
	}
}

// toJSON translates a YAML document. A key that stands twice is a mistake.
func toJSON(doc config.Document) ([]byte, config.Problems) {
	for _, mark := range []string{"--- ", "---\t"} { // it would be read as far as there
		if at := bytes.Index(doc.Data, []byte("\n"+mark)); at >= 0 || bytes.HasPrefix(doc.Data, []byte(mark)) {
			line := doc.Line + bytes.Count(doc.Data[:at+1], []byte("\n"))
			return nil, config.Problems{{Line: line, Message: "write --- alone on its line between documents"}}
		}
	}
	raw, err := yaml.YAMLToJSONStrict(doc.Data)
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

// document reads one document, and finds the lines of its mistakes.
func (d *dump) document(raw []byte, doc config.Document, where string) {
	before := len(d.problems)
	d.objects(raw, where)
	if found := d.problems[before:]; len(doc.Data) <= maxLocated {
		found.Locate(doc)
	}
}

// header is what tells what an object is.
type header struct {
	metav1.TypeMeta `json:",inline"`
	Items           []json.RawMessage `json:"items"`
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
	single, isList := strings.CutSuffix(h.Kind, "List")
	if !isList {
		d.object(raw, h, where, "")
		return
	}
	for i, item := range h.Items {
		path := fmt.Sprintf("items[%d]", i)
		var inner header
		if err := json.Unmarshal(item, &inner); err != nil {
			d.report(where, path, item, &inner, err)
			continue
		}
		if inner.Kind == "" && single != "" { // as the API server writes a PodList
			inner.Kind, inner.APIVersion = single, h.APIVersion
		}
		if strings.HasSuffix(inner.Kind, "List") {
			d.problems.Add(path+".kind", "a List in a List is not read; put its items into the outer one")
			continue
		}
		d.object(item, inner, where, path)
	}
}

// report says which value of raw could not be decoded.
func (d *dump) report(subject, path string, raw []byte, into any, err error) {
	found := mistakes(raw, into, path, false)
	if len(found) == 0 {
		found.Add(path, "%s", printable(err.Error()))
	}
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
