package offline

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf16"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

const (
	oneNode  = "{apiVersion: v1, kind: Node, metadata: {name: n1}}"
	oneGroup = "groups: [{name: a, max: 3, template: {instanceType: m5.large}}]"
)

func readText(dump, groups string) (*Cluster, error) {
	return Read(Dump{"d", strings.NewReader(dump)}, Input{"g", []byte(groups)})
}

// Each bad dump is paired with all that is said of it.
func TestBadDumps(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", "d: has no object that is read: no Node, no Pod; `kubectl get nodes,pods -A -o yaml` prints them"},
		{"only others", "{apiVersion: v1, kind: Secret, metadata: {name: a}}", "d: has no object that is read"},
		{"a List that breaks off behind an item", "apiVersion: v1\nitems:\n- " + oneNode + "\n", "d:1: kind: is required of a List; without it the dump may be cut off"},
		{"an error of kubectl before a List", "Error from server (Forbidden): pods is forbidden\napiVersion: v1\nitems:\n- " + oneNode + "\nkind: List\n", `d: "Error from server (Forbidden)" is no key of a List; what kubectl writes to standard error does not belong into the dump`},
		{"a word", "hello", `d: a mapping is expected, not "hello"`},
		{"a list", "[1]", "d: a mapping is expected, not a list"},
		{"a number in JSON", `{"kind": 7}`, "d:1: kind: 7 is not text"},
		{"cut off", `{"apiVersion":"v1","kind":"List","items":[{"kind":`, "d:1: not JSON: it ends within a value"},
		{"cut off between", `{"kind":"Node","apiVersion":"v1","metadata":{"name":"a"}}` + "\n" + ` {"kind`, "d:2: not JSON: it ends within a value"},
		{"JSON and words", `{"kind":"Node","apiVersion":"v1","metadata":{"name":"a"}}` + "\nwords", "d:2: not JSON: invalid character 'w' looking for beginning of value"},
		{"a value behind another", oneNode + "\n{kind: Pod}", "d:1: not YAML: did not find expected <document start>"},
		{"less far in than the first key", "  kind: Node\n  apiVersion: v1\n  metadata: {name: a}\nspec: {}", "d:3: not YAML: did not find expected <document start>"},
		{"another line end", "  kind: Node\n  apiVersion: v1\n  metadata: {name: a}\u0085---\u0085kind: Pod", "d:4: not YAML: another value begins without --- before it"},
		{"a key twice in JSON", `{"kind":"Node","apiVersion":"v1","metadata":{"name":"a"},"spec":{"podCIDR":"a","podCIDR":"b"}}`, `d:1: spec.podCIDR: stands twice (Node a)`},
		{"a label twice in JSON", `{"kind":"Node","apiVersion":"v1","metadata":{"name":"a","labels":{"a/b.c":"1","a/b.c":"2"}}}`, `d:1: metadata.labels.a/b.c: stands twice (Node a)`},
		{"behind a mark", oneNode + "\n--- {kind: Pod}\n", "d:2: apiVersion: is required: v1"},
		{"behind the end", oneNode + "\n... {kind: Pod}", "d:2: apiVersion: is required: v1"},
		{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00", "d: is UTF-32; write it as UTF-8"},
		{"no YAML", "a: b: c", "d: not YAML: mapping values are not allowed in this context"},
		{"a binary", "\x00\x01\xff", "d: not YAML: control characters are not allowed"},
		{"two documents, one wrong", oneNode + "\n---\nkind: Pod\napiVersion: v1\nmetadata:\n  name: a\nspec: []\n", `d:7: spec: a mapping is expected, not a list (document 2, Pod a)`},
		{"a key twice", "kind: Node\napiVersion: v1\nkind: Pod\n", `d:3: not YAML: key "kind" already set in map`},
		{"no kind", "{metadata: {name: a}}", "d:1: kind: is required: this is no Kubernetes object"},
		{"an odd kind", `{kind: "a\u202eb"}`, `d:1: kind: "a\u202eb" is no kind`},
		{"no version", "{kind: Pod}", "d:1: apiVersion: is required: v1"},
		{"another version", "{kind: Job, apiVersion: batch/v1beta1}", `d:1: apiVersion: "batch/v1beta1" is not read; write batch/v1`},
		{"no name", "{kind: Pod, apiVersion: v1}", `d:1: metadata.name: "" is no name of a Pod`},
		{"an odd namespace", "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: a/b}}", `d:1: metadata.namespace: "a/b" is no name of a namespace`},
		{"twice", oneNode + "\n---\n" + oneNode, "d:3: metadata.name: Node n1 stands twice, before at document 1; take one out"},
		{"a time", "{kind: Pod, apiVersion: v1, metadata: {name: a, creationTimestamp: noon}}", `d:1: metadata.creationTimestamp: "noon": parsing time "noon"`},
		{"a number too large", "{kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {priority: 99999999999}}", "d:1: spec.priority: 99999999999 is not a whole number that fits (Pod a)"},
		{"infinity", "{kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {priority: .inf}}", "d: not YAML: "},
		{"replicas", "{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: a}, spec: {replicas: two}}", `d:1: spec.replicas: "two" is not a whole number that fits (ReplicaSet a)`},
		{"a negative request", "{kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {containers: [{name: c, resources: {requests: {cpu: -1}, limits: {memory: 1Gi}}}]}}",
			`d:1: spec.containers[0].resources.requests.cpu: "-1" is negative (Pod a)`},
		{"a negative overhead", "{kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {overhead: {memory: -1Gi}, containers: []}}", `d:1: spec.overhead.memory: "-1Gi" is negative (Pod a)`},
		{"negative nodes", "kind: NodeList\napiVersion: v1\nitems:\n- metadata: {name: a}\n  status:\n    capacity: {cpu: 1}\n    allocatable:\n      gpu: -1\n      pods: -1\n",
			"d:8: items[0].status.allocatable.gpu: \"-1\" is negative (Node a)\nd:9: items[0].status.allocatable.pods: \"-1\" is negative (Node a)"},
		{"a negative DaemonSet", "{kind: DaemonSet, apiVersion: apps/v1, metadata: {name: a}, spec: {template: {spec: {initContainers: [{resources: {limits: {cpu: -1m}}}]}}}}",
			`d:1: spec.template.spec.initContainers[0].resources.limits.cpu: "-1m" is negative (DaemonSet a)`},
		{"a negative claim", "{kind: PersistentVolumeClaim, apiVersion: v1, metadata: {name: a}, spec: {resources: {requests: {storage: -1Gi}}}}",
			`d:1: spec.resources.requests.storage: "-1Gi" is negative (PersistentVolumeClaim a)`},
		{"deep in a map", "{kind: Node, apiVersion: v1, metadata: {name: a}, status: {allocatable: {cpu: {}}}}", "d:1: status.allocatable.cpu: a mapping is not a quantity such as 4, 500m or 16Gi (Node a)"},
	} {
		if _, err := readText(c.in, oneGroup); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got: %v\nwant: %s", c.name, err, c.want)
		}
	}
}

// However a dump is written, all of it is read: in one piece, or as what is too large for that.
func TestNothingIsDropped(t *testing.T) {
	docs := []string{node("n1"), ownedPod, wanting}
	block := "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {allocatable: {cpu: \"2\", memory: 8Gi, pods: \"10\"}, conditions: [{type: Ready, status: \"True\"}]}\n"
	list := func(indent string) string {
		return "apiVersion: v1\nitems: # all of them\n" + indent + "# the node\n" + indent + "- " + strings.ReplaceAll(strings.TrimSpace(block), "\n", "\n"+indent+"  ") +
			"\n\n" + indent + "-\n" + indent + "  " + ownedPod + "\n# a comment\n" + indent + "- " + wanting + "\nkind: List\nmetadata:\n  resourceVersion: \"\"\n"
	}
	asJSON := func(text string) string {
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	wide := func(order binary.AppendByteOrder, mark bool, text string) string {
		var out []byte
		if mark {
			out = order.AppendUint16(out, 0xfeff)
		}
		for _, unit := range utf16.Encode([]rune(text)) {
			out = order.AppendUint16(out, unit)
		}
		return string(out)
	}
	plain := documents(docs...)
	var inJSON []string
	for _, doc := range docs {
		inJSON = append(inJSON, asJSON(doc))
	}
	pods := strings.NewReplacer(`"kind":"Pod",`, "", `"apiVersion":"v1",`, "").Replace(strings.Join(inJSON[1:], ","))
	read := func(dump string, whole int) *dump {
		d := readDump("d", iotest.HalfReader(strings.NewReader(dump)), whole)
		for _, p := range d.Pods {
			p.TypeMeta = metav1.TypeMeta{} // the items of a PodList have none
		}
		return d
	}
	want := read(plain, wholeText)
	for name, dump := range map[string]string{
		"documents":                   plain,
		"a mark with a comment":       strings.ReplaceAll(plain, "\n---\n", "\n--- # the next\n"),
		"a mark with the value":       strings.ReplaceAll("---\n"+plain, "---\n", "--- "),
		"with an end":                 strings.ReplaceAll(plain, "\n---\n", "\n...\n---\n") + "\n...\n",
		"only an end":                 strings.ReplaceAll(plain, "\n---\n", "\n... # next\n"),
		"a directive":                 "%YAML 1.2\n---\n" + plain + "\n---\n",
		"Windows' line ends":          strings.ReplaceAll(plain, "\n", "\r\n"),
		"old line ends":               strings.ReplaceAll(plain, "\n", "\r"),
		"a mark of UTF-8":             "\ufeff" + plain,
		"UTF-16":                      wide(binary.LittleEndian, true, strings.ReplaceAll(plain, "\n", "\r\n")),
		"UTF-16, the other way round": wide(binary.BigEndian, true, plain),
		"UTF-16 without a mark":       wide(binary.LittleEndian, false, plain),
		"UTF-16, both":                wide(binary.BigEndian, false, plain),
		"a List":                      list(""),
		"a List, further in":          list("   "),
		"a List, at its end":          strings.Replace(list(""), "kind: List\nmetadata:\n  resourceVersion: \"\"\n", "", 1) + "kind: List",
		"a List, named first":         "kind: List\n" + strings.Replace(list(""), "kind: List\n", "", 1),
		"Lists":                       list("")[:strings.Index(list(""), "- "+wanting)] + "kind: List\n---\n" + wanting,
		"a List in old line ends":     strings.ReplaceAll(list("  "), "\n", "\r"),
		"a List in UTF-16":            wide(binary.LittleEndian, true, list("")),
		"a List in one line":          "{apiVersion: v1, kind: List, items: [" + strings.Join(docs, ", ") + "]}",
		"a List in JSON":              `{"apiVersion":"v1","items":[` + strings.Join(inJSON, ",\n") + `],"kind":"List"}`,
		"JSON":                        strings.Join(inJSON, "\n"),
		"JSON between marks":          documents(inJSON...),
		"JSON and YAML":               inJSON[0] + "\n---\n" + ownedPod + "\n---\n" + inJSON[2],
		"a PodList in JSON":           inJSON[0] + `{"metadata":{},"items":[` + pods + `],"kind":"PodList","apiVersion":"v1"}`,
		"a PodList": node("n1") + "\n---\nitems:\n- " + strings.TrimPrefix(strings.Replace(ownedPod, "apiVersion: v1, kind: Pod, ", "", 1), "") +
			"\n- " + strings.Replace(wanting, "apiVersion: v1, kind: Pod, ", "", 1) + "\nkind: PodList\napiVersion: v1\n",
	} {
		for _, whole := range []int{wholeText, 100, 30, 0} {
			got := read(dump, whole)
			if len(got.problems) > 0 || !reflect.DeepEqual(got.Pods, want.Pods) || len(got.Nodes) != 1 || !reflect.DeepEqual(got.read, want.read) {
				t.Errorf("%s, whole up to %d: %d nodes, %d pods, %v\n%s", name, whole, len(got.Nodes), len(got.Pods), got.problems, dump)
			}
		}
	}
}

// What is wrong with a dump is the same, and on the same line, when it is read item by item.
func TestMistakesInPieces(t *testing.T) {
	items := `apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    name: N_1
- apiVersion: v1
  kind: Pod
  metadata:
    name: a
  spec:
    nodeName: [x]
    priority: 1
- apiVersion: v1
  kind: List
  items: []
- kind: Pod
  apiVersion: v1
  metadata: {name: b}
- {kind: Pod, apiVersion: v1, metadata: {name: b}}
- word
kind: List
`
	raw, err := yaml.YAMLToJSON([]byte(items))
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, raw, "", " "); err != nil {
		t.Fatal(err)
	}
	for _, dump := range []string{items, indented.String(), oneNode + "\n---\n" + items} {
		want, got := readDump("d", strings.NewReader(dump), wholeText).problems, readDump("d", strings.NewReader(dump), 60).problems
		if len(want) != 5 || want.Error() != got.Error() {
			t.Errorf("in pieces\n%v\nas a whole\n%v", got, want)
		}
	}
	for _, c := range []struct{ name, in, want string }{
		{"a broken item", strings.Replace(items, "  kind: Pod\n", "  kind: {Pod\n", 1), "d:8: not YAML: did not find expected"},
		{"a key twice in an item", strings.Replace(items, "  kind: Node\n", "  kind: Node\n  kind: Pod\n", 1), `d:5: not YAML: key "kind" already set in map`},
		{"items twice", items + "items: []\n", `d:23: not YAML: key "items" already set in map`},
		{"behind the items", items + "metadata: {\n", "d:23: not YAML: "},
		{"no List", strings.Replace(items, "kind: List\n", "kind: Pods\n", -1), `d: kind: "Pods" has items, and is no List`},
		{"an error of kubectl before the List", "Error from server (Forbidden): pods is forbidden\n" + items, `d: "Error from server (Forbidden)" is no key of a List`},
		{"an unknown key in JSON", strings.Replace(indented.String(), "{", `{"error": "pods is forbidden",`, 1), `d: "error" is no key of a List`},
		{"cut off behind an item", strings.Replace(items, "kind: List\n", "", -1), "d: kind: is required of a List; without it the dump may be cut off"},
		{"cut off JSON", indented.String()[:len(indented.String())-30], "d:"},
		{"items twice in JSON", strings.TrimSuffix(indented.String(), "\n}") + `, "items": []}`, "d:"},
	} {
		got := readDump("d", strings.NewReader(c.in), 60).problems.Error()
		if !strings.Contains("\n"+got, "\n"+c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A dump that breaks off is not taken for a whole one.
func TestBrokenPipe(t *testing.T) {
	for _, dump := range []string{documents(node("n1"), ownedPod) + "\n", "apiVersion: v1\nitems:\n- " + node("n1") + "\n- " + ownedPod + "\nkind: List\n", strings.Repeat(" ", 70) + `{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1"}}`} {
		for _, whole := range []int{wholeText, 30} {
			broken := io.MultiReader(strings.NewReader(dump), iotest.ErrReader(errors.New("the pipe is broken")))
			if got := readDump("d", broken, whole).problems.Error(); got != "d: the pipe is broken" {
				t.Errorf("%q: %s", dump, got)
			}
		}
	}
	large := &bounded{r: strings.NewReader("four"), left: 3}
	if _, err := io.ReadAll(large); err == nil || !strings.Contains(err.Error(), "has more than 4 GiB; leave out kinds") {
		t.Errorf("too large: %v", err)
	}
}

// Memory does not follow the size of the text: of items that are not read nothing is kept.
func TestMemoryIsBounded(t *testing.T) {
	const items = 2000 // 8 MiB
	yamlItem := "- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: a\n  data:\n    a: " + strings.Repeat("x", 4000) + "\n"
	jsonItem := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"a":"` + strings.Repeat("x", 4000) + `"}}`
	for _, text := range [][3]string{
		{"apiVersion: v1\nitems:\n", yamlItem, "- " + node("n1") + "\nkind: List\n"},
		{`{"apiVersion":"v1","items":[`, jsonItem + ",", `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}],"kind":"List"}`},
		{"", "---\n" + strings.ReplaceAll(yamlItem[2:], "\n  ", "\n"), "---\n" + node("n1")},
		{"", jsonItem + "\n", `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}`},
	} {
		parts := []io.Reader{strings.NewReader(text[0])}
		for range items {
			parts = append(parts, strings.NewReader(text[1]))
		}
		var before, most runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		measured := func() {
			var now runtime.MemStats
			runtime.GC()
			if runtime.ReadMemStats(&now); now.HeapAlloc > most.HeapAlloc {
				most = now
			}
		}
		for i := 100; i < len(parts); i += 100 {
			parts[i] = &noticed{parts[i], measured}
		}
		d := readDump("d", io.MultiReader(append(parts, strings.NewReader(text[2]))...), 16<<10)
		if len(d.problems) > 0 || len(d.Nodes) != 1 || d.ignored["Secret"] != items {
			t.Errorf("%.30q: %d nodes, %d secrets, %v", text[0]+text[1], len(d.Nodes), d.ignored["Secret"], d.problems)
		}
		if grown := int64(most.HeapAlloc) - int64(before.HeapAlloc); grown > 2<<20 {
			t.Errorf("%.30q: reading 8 MiB needs %d bytes", text[0]+text[1], grown)
		}
	}
}

// noticed is a reader of which it is noticed that it is read.
type noticed struct {
	io.Reader
	notice func()
}

func (n *noticed) Read(p []byte) (int, error) {
	n.notice()
	return n.Reader.Read(p)
}

// Each bad groups file is paired with all that is said of it.
func TestBadGroups(t *testing.T) {
	group := func(more string) string {
		return "groups: [{name: a, max: 3, template: {instanceType: m5.large}, " + more + "}]"
	}
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", "g: groups: at least one is required: {name, min, max, nodes, template}"},
		{"a list", "[]", "g:1: a mapping is expected, not a list"},
		{"unknown key", "group: []", `g:1: group: unknown key; did you mean "groups"?`},
		{"size", group("size: 1000000000"), "g:1: groups[0].size: 1000000000 is not between 0 and 100000"},
		{"price", group("price: .nan"), "g:1: groups[0].price: NaN is not between 0 and 1000000000"},
		{"name", `groups: [{name: "a\nb", template: {instanceType: m5.large}}]`, `g:1: groups[0].name: "a\nb" is no name of a group`},
		{"bounds", group("min: 7"), "g:1: groups[0].max: min 7 and max 3: 0 <= min <= max must hold"},
		{"type", "groups: [{name: a, template: {instanceType: m5.larg}}]", `g:1: groups[0].template.instanceType: "m5.larg" is not known (near: [m5.large`},
		{"taint", "groups: [{name: a, template: {instanceType: m5.large, taints: [{key: a, effect: No}]}}]", `g:1: groups[0].template.taints[0].effect: "No" is none of`},
		{"node twice in one", group("nodes: [n1, n1]"), `g:1: groups[0].nodes[1]: "n1" is a node of groups[0] already; a node is in one group`},
		{"node not there", group("nodes: [n2]"), `g:1: groups[0].nodes[0]: "n2" is no node of d; take it out, or make the dump anew`},
		{"no template", "groups: [{name: a}]", "g:1: groups[0].template: is required: an instanceType, a capacity, or a whole node under node"},
		{"node is no mapping", "groups: [{name: a, template: {node: n1}}]", `g:1: groups[0].template.node: a mapping is expected, not "n1"`},
		{"node with odd keys", "groups: [{name: a, template: {node: {1: 2}}}]", "g:1: groups[0].template.node: json: unsupported type"},
		{"node with infinity", "groups: [{name: a, template: {node: {spec: .inf}}}]", "g:1: groups[0].template.node: json: unsupported value"},
		{"node within itself", "groups: [{name: a, template: {node: &x {spec: *x}}}]", "g:1: groups[0].template.node: yaml: anchor 'x' value contains itself"},
		{"node with less than nothing", "groups: [{name: a, template: {node: {status: {capacity: {cpu: -4}}}}}]", `g:1: groups[0].template.node.status.capacity.cpu: "-4" is negative`},
		{"node unknown key", "groups: [{name: a, template: {node: {spec: {podCIDRS: []}}}}]", "g:1: groups[0].template.node.spec.podCIDRS: unknown key"},
	} {
		if _, err := readText(oneNode, c.in); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got: %v\nwant: %s", c.name, err, c.want)
		}
	}
}

// What is hostile ends in an error of some lines, and costs no more than its size lets expect.
func TestHostileFiles(t *testing.T) {
	var aliases strings.Builder
	aliases.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&aliases, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	many := "apiVersion: v1\nkind: List\nitems:\n" + strings.Repeat("- {kind: Pod, apiVersion: v1, metadata: []}\n", 2_000)
	lists := strings.Repeat(`{"kind":"List","apiVersion":"v1","items":[`, 3000) + strings.Repeat("]}", 3000)
	long := "{kind: Pod, apiVersion: v1, metadata: {name: " + strings.Repeat("a", 1<<18) + "}}"
	for name, in := range map[string]string{
		"deep JSON":    strings.Repeat(`{"a":`, 1_000_000),
		"deep lists":   strings.Repeat("[", 1_000_000),
		"deep blocks":  strings.Repeat("- ", 100_000),
		"aliases":      aliases.String(),
		"mistakes":     many,
		"more of them": "apiVersion: v1\nitems:\n" + strings.Repeat("- {kind: Pod, apiVersion: v1, metadata: {name: A}}\n", 30_000) + "kind: List\n",
		"nested Lists": lists,
		"a long name":  long,
		"a long kind":  "{kind: " + strings.Repeat("a", 1<<18) + "}",
		"a long key":   "{kind: Pod, apiVersion: v1, metadata: {name: a, labels: {" + strings.Repeat("k", 1<<18) + ": {}}}}",
	} {
		for what, read := range map[string]func() (*Cluster, error){
			"dump":   func() (*Cluster, error) { return readText(in, oneGroup) },
			"groups": func() (*Cluster, error) { return readText(oneNode, in) },
			"node":   func() (*Cluster, error) { return readText(oneNode, "groups: [{name: a, template: {node: "+in+"}}]") },
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := read()
			runtime.ReadMemStats(&after)
			if cost := int(after.TotalAlloc - before.TotalAlloc); cost > 1<<20+1000*len(in) {
				t.Errorf("%s as %s: reading %d bytes allocates %d", name, what, len(in), cost)
			}
			if err == nil || len(err.Error()) > 20_000 || strings.Count(err.Error(), "\n") > maxProblems {
				t.Errorf("%s as %s: %.300v", name, what, err)
			}
		}
	}
	if _, err := readText(oneNode, strings.Repeat("#", 5<<20)); err == nil || err.Error() != "g: the file has more than 4194304 bytes" {
		t.Errorf("huge groups: %.300v", err)
	}
}

// Whatever the files hold, the answer is a plan or an error of lines that a terminal can show.
func FuzzRead(f *testing.F) {
	f.Add(oneNode, oneGroup)
	for _, pattern := range []string{"*.yaml", "*.json"} {
		dumps, err := filepath.Glob("../../cmd/trimtab/testdata/cluster/" + pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range dumps {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			groups, err := os.ReadFile(strings.TrimSuffix(path, filepath.Ext(path)) + ".groups.yaml")
			if err == nil {
				f.Add(string(data), string(groups))
			}
		}
	}
	f.Fuzz(func(t *testing.T, dump, groups string) {
		whole, pieces := readDump("d", strings.NewReader(dump), wholeText), readDump("d", strings.NewReader(dump), 40)
		if len(pieces.problems) == 0 && (len(whole.problems) > 0 || !reflect.DeepEqual(whole.read, pieces.read) || !reflect.DeepEqual(whole.ignored, pieces.ignored)) {
			t.Errorf("as a whole %v, %v, %v; in pieces %v, %v", whole.read, whole.ignored, whole.problems, pieces.read, pieces.ignored)
		}
		c, err := readText(dump, groups)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
				t.Errorf("a control character is printed: %q", err)
			}
			return
		}
		p := plan.DefaultPolicy()
		p.IgnoreTimers = true
		r := c.Decide(p, time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
		if len(r.Nodes) != len(c.dump.Nodes) {
			t.Errorf("%d nodes, and verdicts on %d", len(c.dump.Nodes), len(r.Nodes))
		}
	})
}
