package offline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

func decide(t *testing.T, dump, groups string) Result {
	t.Helper()
	c, err := readText(dump, groups)
	if err != nil {
		t.Fatal(err)
	}
	p := plan.DefaultPolicy()
	p.IgnoreTimers = true
	return c.Decide(p, time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
}

const (
	readyNode = `{apiVersion: v1, kind: Node, metadata: {name: NAME}, status: {allocatable: {cpu: "2", memory: 8Gi, pods: "10"}, conditions: [{type: Ready, status: "True"}]}}`
	ownedPod  = `{apiVersion: v1, kind: Pod, metadata: {name: a, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: "1", controller: true}]}, spec: {nodeName: n1, containers: [{name: a}]}}`
	wanting   = `{apiVersion: v1, kind: Pod, metadata: {name: big, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: "1", controller: true}]}, spec: {containers: [{name: a, resources: {requests: {cpu: "1500m"}}}]}, status: {conditions: [{type: PodScheduled, status: "False", reason: Unschedulable}]}}`
)

func node(name string) string { return strings.Replace(readyNode, "NAME", name, 1) }

func documents(docs ...string) string { return strings.Join(docs, "\n---\n") }

func codeOf(r Result, name string) string {
	for _, n := range r.Nodes {
		if n.Node == name {
			return n.Message
		}
	}
	return ""
}

// A controller is missing only where the dump has others of its kind, in the same namespace and by that name.
func TestOwners(t *testing.T) {
	const groups = "groups: [{name: a, max: 3, nodes: [n1], template: {instanceType: m5.large}}]"
	replicaSet := func(ns, name string) string {
		return "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {namespace: " + ns + ", name: " + name + "}}"
	}
	for _, c := range []struct{ name, other, want string }{
		{"none of its kind", "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}}", "Unneeded"},
		{"another", replicaSet("default", "api"), "BlockedByPod: pod default/a, rule ControllerNotFound"},
		{"in another namespace", replicaSet("shop", "web"), "BlockedByPod: pod default/a, rule ControllerNotFound"},
		{"there", replicaSet("default", "web"), "Unneeded"},
		{"of another API group", "{apiVersion: example.com/v1, kind: ReplicaSet, metadata: {name: x}}", "Unneeded"},
	} {
		r := decide(t, documents(node("n1"), node("n2"), ownedPod, c.other), groups)
		if got := codeOf(r, "n1"); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		noted := slices.ContainsFunc(r.Notes, func(n string) bool { return strings.HasPrefix(n, "the dump has no ReplicaSet") })
		if noted != (r.Read["ReplicaSet"] == 0) {
			t.Errorf("%s: notes %q", c.name, r.Notes)
		}
	}
}

// minReplicaCount is judged by the replicas that the controllers of the dump are to have.
func TestMinReplicas(t *testing.T) {
	const none = "minReplicaCount is not judged, since the dump has no ReplicaSet and no ReplicationController: their pods are taken to be free to go"
	replicaSet := func(spec string) string {
		return "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}" + spec + "}"
	}
	controlled := strings.ReplaceAll(ownedPod, "apps/v1, kind: ReplicaSet", "v1, kind: ReplicationController")
	for _, c := range []struct {
		name, pod, other string
		min              int
		want, note       string
	}{
		{"enough", ownedPod, replicaSet(", spec: {replicas: 2}"), 2, "Unneeded", ""},
		{"too few", ownedPod, replicaSet(", spec: {replicas: 1}"), 2, "BlockedByPod: pod default/a, rule MinReplicasReached", ""},
		{"too few of a ReplicationController", controlled, "{apiVersion: v1, kind: ReplicationController, metadata: {name: web}, spec: {replicas: 1}}", 2, "BlockedByPod: pod default/a, rule MinReplicasReached", ""},
		{"nobody cares", ownedPod, replicaSet(", spec: {replicas: 1}"), 0, "Unneeded", ""},
		{"not said", ownedPod, replicaSet(""), 2, "Unneeded", ""},
		{"no controller", ownedPod, node("n3"), 2, "Unneeded", none},
	} {
		cluster, err := readText(documents(node("n1"), node("n2"), c.pod, c.other), "groups: [{name: a, max: 3, nodes: [n1], template: {instanceType: m5.large}}]")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if note := cluster.MinReplicas(c.min); note != c.note {
			t.Errorf("%s: note %q, want %q", c.name, note, c.note)
		}
		p := plan.DefaultPolicy()
		p.IgnoreTimers = true
		if got := codeOf(cluster.Decide(p, time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)), "n1"); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// The priorities are those of the ConfigMap in the namespace of the configuration; no other ConfigMap is read.
func TestPriorities(t *testing.T) {
	configMap := func(namespace, name, data string) string {
		return "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: " + namespace + ", name: " + name + "}, data: " + data + "}"
	}
	const theirs = "cluster-autoscaler-priority-expander"
	for _, c := range []struct{ name, other, want, note string }{
		{"there", configMap("kube-system", theirs, `{priorities: "{10: [spot-.*], 20: [on-demand]}"}`), "20 on-demand, 10 spot-.*", ""},
		{"in another namespace", configMap("shop", theirs, `{priorities: "{10: [.*]}"}`), "",
			"the dump has no ConfigMap kube-system/cluster-autoscaler-priority-expander: all groups are alike to the expander priority"},
		{"another", configMap("kube-system", "others", "7"), "",
			"the dump has no ConfigMap kube-system/cluster-autoscaler-priority-expander: all groups are alike to the expander priority"},
		{"broken", configMap("kube-system", theirs, `{priorities: "{10: ['(']}"}`), "",
			"configmap kube-system/cluster-autoscaler-priority-expander: priorities: priority 10, expression 1: error parsing regexp: missing closing ): `(`: " +
				"all groups are alike to the expander priority"},
	} {
		cluster, err := readText(documents(node("n1"), c.other), "groups: [{name: a, max: 3, nodes: [n1], template: {instanceType: m5.large}}]")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		all, note := cluster.Priorities("kube-system")
		var got []string
		for _, p := range all {
			for _, g := range p.Groups {
				got = append(got, fmt.Sprintf("%d %s", p.Value, g))
			}
		}
		if strings.Join(got, ", ") != c.want || note != c.note {
			t.Errorf("%s: %q, %q; want %q, %q", c.name, got, note, c.want, c.note)
		}
	}
}

// A group's size is that of its nodes unless it is given: then others are on their way.
func TestSize(t *testing.T) {
	dump := documents(node("n1"), strings.Replace(ownedPod, "[{name: a}]", `[{name: a, resources: {requests: {cpu: "1"}}}]`, 1), wanting)
	for _, c := range []struct {
		size, code string
		from, to   int
	}{
		{"", "TriggeredScaleUp", 1, 2},
		{"size: 1, ", "TriggeredScaleUp", 1, 2},
		{"size: 2, ", "FitsUpcomingNode", 0, 0},
	} {
		r := decide(t, dump, "groups: [{name: a, max: 3, "+c.size+"nodes: [n1], template: {instanceType: m5.large}}]")
		if len(r.Pending) != 1 || string(r.Pending[0].Code) != c.code {
			t.Fatalf("%q: %+v", c.size, r.Pending)
		}
		if up := r.ScaleUp; (len(up) == 1) != (c.to > 0) || len(up) == 1 && (up[0].From != c.from || up[0].To != c.to) {
			t.Errorf("%q: %+v", c.size, up)
		}
	}
}

// A template may be a node that was cordoned, starting or going: a new one is not. Its other taints stay.
func TestTemplateOfANode(t *testing.T) {
	group := func(taint string) string {
		return `groups: [{name: a, max: 3, template: {node: {apiVersion: v1, kind: Node, metadata: {name: n9, creationTimestamp: null}, spec: {unschedulable: true, taints: [` +
			taint + `{key: node.kubernetes.io/unschedulable, effect: NoSchedule}, {key: ToBeDeletedByClusterAutoscaler, value: "1", effect: NoSchedule}]}, status: {allocatable: {cpu: 4, memory: 8Gi, pods: 10}}}}}]`
	}
	if r := decide(t, wanting, group("")); len(r.ScaleUp) != 1 || r.ScaleUp[0].To != 1 {
		t.Errorf("%+v", r)
	}
	r := decide(t, wanting, group("{key: gpu, effect: NoSchedule}, "))
	if len(r.ScaleUp) != 0 || len(r.Pending[0].Why) != 1 || r.Pending[0].Why[0].Message != "TaintNotTolerated: taint gpu:NoSchedule" {
		t.Errorf("tainted: %+v", r)
	}
}

// Lists, documents, JSON and YAML of the same objects give the same answer.
func TestNotations(t *testing.T) {
	want := decide(t, documents(node("n1"), ownedPod, wanting), oneGroup)
	item := func(s string) string { return strings.Replace(s, "apiVersion: v1, kind: ", "odd: ", 1) }
	for name, dump := range map[string]string{
		"a List":           "{apiVersion: v1, kind: List, items: [" + node("n1") + ", " + ownedPod + ", " + wanting + "]}",
		"lists of a kind":  documents(node("n1"), "{apiVersion: v1, kind: PodList, items: ["+item(ownedPod)+", "+item(wanting)+"]}"),
		"with comments":    "# a\n---\n---\n" + documents(wanting, "# b", ownedPod, node("n1")) + "\n---\nnull\n",
		"Windows' newline": strings.ReplaceAll(documents(node("n1"), ownedPod, wanting), "\n", "\r\n"),
	} {
		got := decide(t, dump, oneGroup)
		if len(got.Nodes) != 1 || len(got.ScaleUp) != 0 || got.Pending[0].Message != want.Pending[0].Message || codeOf(got, "n1") != codeOf(want, "n1") {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// What the dump lacks is told.
func TestNotes(t *testing.T) {
	agent := strings.NewReplacer("ReplicaSet", "DaemonSet", "nodeName: n1", "nodeName: n7").Replace(ownedPod)
	r := decide(t, documents(node("n1"), agent), oneGroup)
	if len(r.Notes) != 2 || !strings.Contains(r.Notes[0], "not in the dump: 1;") || !strings.Contains(r.Notes[1], "no DaemonSet") {
		t.Errorf("%q", r.Notes)
	}
}

// A new node is taken to lose the taints that the configuration calls startup taints.
func TestTaintsThatPass(t *testing.T) {
	const groups = "groups: [{name: a, max: 3, template: {instanceType: m5.large, taints: [{key: cni, effect: NoSchedule}]}}]"
	for _, startup := range [][]string{nil, {"cni"}} {
		c, err := readText(documents(wanting), groups)
		if err != nil {
			t.Fatal(err)
		}
		c.Taints(kube.NodeTaints{Startup: startup})
		r := c.Decide(plan.DefaultPolicy(), time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
		if grows := len(r.ScaleUp) > 0; grows != (startup != nil) {
			t.Errorf("startup taints %v: grows is %t", startup, grows)
		}
	}
}

// New nodes are like the newest good node of their group, with the pods that belong to it, as in the loop; without one they are
// what the template says. A note tells where the two differ.
func TestExamples(t *testing.T) {
	const other = "group a: new nodes are like its newest ready one, as in `trimtab run`, and not as its template says "
	agent := func(more string) string {
		return "{apiVersion: v1, kind: Pod, metadata: {name: agent, " + more + "}, spec: {nodeName: n1, containers: [{name: a, resources: {requests: {cpu: 600m}}}]}}"
	}
	mirror := agent("annotations: {kubernetes.io/config.mirror: h}")
	daemon := agent("ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: agent, uid: u, controller: true}]")
	young := strings.Replace(node("n1"), `status: "True"`, `status: "True", lastTransitionTime: "2026-11-25T11:59:30Z"`, 1)
	const like = "nodes: [n1], template: {capacity: {cpu: 2, memory: 8Gi, pods: 10}}"
	for _, c := range []struct {
		name, node, agent, group string
		grows                    bool
		note                     string
	}{
		{"like the node", node("n1"), agent(""), like, true, ""},
		{"with its mirror pods", node("n1"), mirror, like, false, ""},
		{"with its pods of DaemonSets", node("n1"), daemon, like, false, ""},
		{"a node that is too young is none", young, daemon, like, true,
			"the dump has pods of DaemonSets, but no DaemonSet: new nodes of a are counted without such pods"},
		{"a group without nodes", node("n1"), mirror, strings.Replace(like, "nodes: [n1], ", "", 1), true, ""},
		{"the template does not count", node("n1"), mirror, "nodes: [n1], template: {capacity: {cpu: 4, memory: 8Gi, pods: 10}, labels: {disk: ssd}, taints: [{key: a, effect: NoSchedule}]}", false,
			other + "(cpu, label disk, taints); to try the template, write it into a group without nodes"},
	} {
		r := decide(t, documents(c.node, c.agent, ownedPod, strings.Replace(wanting, "1500m", "1600m", 1)), "groups: [{name: a, max: 3, "+c.group+"}]")
		if grows := len(r.ScaleUp) == 1; grows != c.grows {
			t.Errorf("%s: grows is %t: %+v", c.name, grows, r.Pending)
		}
		notes := strings.Join(r.Notes, "; ")
		if c.note == "" && strings.Contains(notes, "new nodes") || !strings.Contains(notes, c.note) {
			t.Errorf("%s: notes %q, want %q", c.name, r.Notes, c.note)
		}
	}
}
