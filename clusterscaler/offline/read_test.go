package offline

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

const (
	oneNode  = "{apiVersion: v1, kind: Node, metadata: {name: n1}}"
	oneGroup = "groups: [{name: a, max: 3, template: {instanceType: m5.large}}]"
)

func read(dump, groups string) (*Cluster, error) {
	return Read(Input{"d", []byte(dump)}, Input{"g", []byte(groups)})
}

// Each bad dump is paired with all that is said of it.
func TestBadDumps(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", "d: has no object that is read: no Node, no Pod; `kubectl get nodes,pods -A -o yaml` prints them"},
		{"only others", "{apiVersion: v1, kind: Secret, metadata: {name: a}}", "d: has no object that is read"},
		{"a word", "hello", `d: a mapping is expected, not "hello"`},
		{"a list", "[1]", "d: a mapping is expected, not a list"},
		{"a number in JSON", `{"kind": 7}`, "d:1: kind: 7 is not text"},
		{"cut off", `{"apiVersion":"v1","kind":"List","items":[{"kind":`, "d:1: not YAML: "},
		{"cut off between", `{"kind":"Node","apiVersion":"v1","metadata":{"name":"a"}} {"kind`, "d: not YAML: found unexpected end of stream"},
		{"no YAML", "a: b: c", "d: not YAML: mapping values are not allowed in this context"},
		{"a binary", "\x00\x01\xff", "d: not YAML: control characters are not allowed"},
		{"two documents, one wrong", oneNode + "\n---\nkind: Pod\napiVersion: v1\nmetadata:\n  name: a\nspec: []\n", `d:7: spec: a mapping is expected, not a list (document 2, Pod a)`},
		{"a mark with more", oneNode + "\n--- # more\n" + oneNode, "d:2: write --- alone on its line between documents"},
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
		{"deep in a map", "{kind: Node, apiVersion: v1, metadata: {name: a}, status: {allocatable: {cpu: {}}}}", "d:1: status.allocatable.cpu: a mapping is not a quantity such as 4, 500m or 16Gi (Node a)"},
	} {
		if _, err := read(c.in, oneGroup); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got: %v\nwant: %s", c.name, err, c.want)
		}
	}
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
		{"price", group("price: .nan"), "g:1: groups[0].price: NaN is no price"},
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
		{"node unknown key", "groups: [{name: a, template: {node: {spec: {podCIDRS: []}}}}]", "g:1: groups[0].template.node.spec.podCIDRS: unknown key"},
	} {
		if _, err := read(oneNode, c.in); err == nil || !strings.HasPrefix(err.Error(), c.want) {
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
		"nested Lists": lists,
		"a long name":  long,
		"a long kind":  "{kind: " + strings.Repeat("a", 1<<18) + "}",
		"a long key":   "{kind: Pod, apiVersion: v1, metadata: {name: a, labels: {" + strings.Repeat("k", 1<<18) + ": {}}}}",
	} {
		for what, read := range map[string]func() (*Cluster, error){
			"dump":   func() (*Cluster, error) { return read(in, oneGroup) },
			"groups": func() (*Cluster, error) { return read(oneNode, in) },
			"node":   func() (*Cluster, error) { return read(oneNode, "groups: [{name: a, template: {node: "+in+"}}]") },
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
	if _, err := read(oneNode, strings.Repeat("#", 5<<20)); err == nil || err.Error() != "g: the file has more than 4194304 bytes" {
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
		c, err := read(dump, groups)
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
