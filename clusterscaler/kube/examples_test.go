package kube

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

var exampleTime = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// exampleNode has been ready for an hour.
func exampleNode(name string, age time.Duration, change func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{}
	n.Name, n.CreationTimestamp = name, metav1.Time{Time: exampleTime.Add(-age)}
	n.Labels = map[string]string{corev1.LabelHostname: name, "pool": "live"}
	n.Status.Allocatable = corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("16Gi"), "pods": resource.MustParse("58")}
	n.Status.Capacity = corev1.ResourceList{"cpu": resource.MustParse("5"), "memory": resource.MustParse("17Gi"), "pods": resource.MustParse("58")}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Time{Time: exampleTime.Add(-time.Hour)}}}
	if change != nil {
		change(n)
	}
	return n
}

// examplePod runs on a node; owner is the kind of its controller, empty for a mirror pod.
func examplePod(name, node, owner, cpu string) *corev1.Pod {
	p := testPod(name, owner)
	if owner == "" {
		p = mirrorPod()
	}
	p.Name, p.Spec.NodeName = name, node
	p.OwnerReferences[0].Name = "of-" + name
	p.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse(cpu)}}}}
	return p
}

// configured is what the provider says of the groups.
func configured(names ...string) []plan.Group {
	var out []plan.Group
	for _, name := range names {
		out = append(out, plan.Group{Belief: fleet.Belief{Name: name, Max: 9}, Template: scheduling.Node{Name: "configured", Labels: map[string]string{"pool": "configured"}}})
	}
	return out
}

func memberOf(nodes []*corev1.Node, group string) map[string]string {
	out := map[string]string{}
	for _, n := range nodes {
		out[n.Name] = group
	}
	return out
}

func exemplified(tr *Translator, o *Objects, member map[string]string, now time.Time, groups ...string) *plan.Snapshot {
	return tr.Snapshot(&Observation{Objects: o, Groups: configured(groups...), GroupOf: member, Now: now, ExamplesFor: time.Hour})
}

// A group of which the cloud has no template grows once it has a good node, which tells what the next one is.
func TestExampleInThePlaceOfATemplate(t *testing.T) {
	n := exampleNode("n", time.Hour, func(n *corev1.Node) {
		n.Spec.Taints = []corev1.Taint{
			{Key: "node.kubernetes.io/memory-pressure", Effect: corev1.TaintEffectNoSchedule}, {Key: "dedicated", Effect: corev1.TaintEffectNoSchedule},
		}
	})
	young := exampleNode("n", time.Minute, func(n *corev1.Node) {
		n.Status.Conditions[0].LastTransitionTime = metav1.Time{Time: exampleTime}
	})
	for _, c := range []struct {
		nodes   []*corev1.Node
		trouble string
		want    string
	}{{nil, "", plan.NoTemplate}, {[]*corev1.Node{young}, "", plan.NoTemplate}, {[]*corev1.Node{n}, "", ""}, {[]*corev1.Node{n}, "the size is not known", "the size is not known"}} {
		o := Observation{
			Objects: &Objects{Nodes: c.nodes}, Groups: plan.GroupsOf([]fleet.Belief{{Name: "g", Max: 9, Trouble: c.trouble}}, []*corev1.Node{nil}),
			GroupOf: memberOf(c.nodes, "g"), Now: exampleTime, ExamplesFor: time.Hour,
		}
		g := o.Snapshot().Groups[0]
		if g.Trouble != c.want {
			t.Errorf("%d nodes: trouble %q, want %q", len(c.nodes), g.Trouble, c.want)
		}
		if c.want == "" && (g.Template.Allocatable.MilliCPU != 4000 || len(g.Template.Taints) != 1 || g.Template.Taints[0].Key != "dedicated") {
			t.Errorf("template %+v", g.Template)
		}
	}
}

// Which of the nodes of a group is its example.
func TestExampleIsTheNewestGoodNode(t *testing.T) {
	transition := func(age time.Duration) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Status.Conditions[0].LastTransitionTime = metav1.Time{Time: exampleTime.Add(-age)}
		}
	}
	old := exampleNode("old", 48*time.Hour, func(n *corev1.Node) { n.Labels["is"] = "old" })
	for name, c := range map[string]struct {
		other *corev1.Node
		good  bool
	}{
		"ready for a while":  {exampleNode("n", time.Hour, nil), true},
		"older":              {exampleNode("n", 72*time.Hour, nil), false},
		"ready just now":     {exampleNode("n", time.Hour, transition(time.Minute)), false},
		"ready since longer": {exampleNode("n", time.Hour, transition(time.Minute+time.Second)), true},
		"not ready":          {exampleNode("n", time.Hour, func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionFalse }), false},
		"network just came": {exampleNode("n", time.Hour, func(n *corev1.Node) {
			n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Time{Time: exampleTime}})
		}), false},
		"cordoned": {exampleNode("n", time.Hour, func(n *corev1.Node) { n.Spec.Unschedulable = true }), false},
		"going":    {exampleNode("n", time.Hour, func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: group.GoingTaint, Effect: "NoSchedule"}} }), false},
		"mute":     {exampleNode("n", time.Hour, func(n *corev1.Node) { n.Status.Allocatable = nil }), false},
	} {
		nodes := []*corev1.Node{old, c.other}
		for _, objects := range [][]*corev1.Node{nodes, {nodes[1], nodes[0]}} {
			s := exemplified(&Translator{}, &Objects{Nodes: objects}, memberOf(nodes, "a"), exampleTime, "a")
			if good := s.Groups[0].Template.Labels["is"] != "old"; !s.Groups[0].Live || good != c.good {
				t.Errorf("%s: an example is %t, want %t: %+v", name, good, c.good, s.Groups[0])
			}
		}
	}
}

// A template has what the next node will have, and not what this one has gone through.
func TestExampleIsSanitised(t *testing.T) {
	n := exampleNode("n", time.Hour, func(n *corev1.Node) {
		n.Spec.Taints = []corev1.Taint{
			{Key: "dedicated", Value: "web", Effect: "NoSchedule"}, {Key: "node.kubernetes.io/disk-pressure", Effect: "NoSchedule"},
			{Key: "node.cloudprovider.kubernetes.io/uninitialized", Effect: "NoSchedule"}, {Key: group.CandidateTaint, Effect: "PreferNoSchedule"},
			{Key: "busy", Effect: "NoSchedule"}, {Key: "status-taint.cluster-autoscaler.kubernetes.io/full", Effect: "NoSchedule"},
		}
	})
	s := exemplified(&Translator{}, &Objects{Nodes: []*corev1.Node{n}, Taints: NodeTaints{Status: []string{"busy"}}}, memberOf([]*corev1.Node{n}, "a"), exampleTime, "a", "b")
	a, b := &s.Groups[0], &s.Groups[1]
	want := scheduling.Node{
		Name: "template-of-a", Labels: map[string]string{corev1.LabelHostname: "template-of-a", "pool": "live"},
		Taints:      []scheduling.Taint{{Key: "dedicated", Value: "web", Effect: "NoSchedule"}},
		Allocatable: scheduling.ResourcesOf(n.Status.Allocatable),
	}
	if !reflect.DeepEqual(a.Template, want) || !reflect.DeepEqual(a.Capacity, scheduling.ResourcesOf(n.Status.Capacity)) || a.Max != 9 {
		t.Errorf("%+v\nwant\n%+v", *a, want)
	}
	if b.Live || b.Template.Name != "configured" {
		t.Errorf("a group without nodes: %+v", *b)
	}
	if len(n.Spec.Taints) != 6 || n.Labels[corev1.LabelHostname] != "n" {
		t.Errorf("the node itself has changed: %+v", n)
	}
}

// A node whose GPUs do not show yet is no example of its group.
func TestExampleOffersItsDevices(t *testing.T) {
	n := exampleNode("n", time.Hour, nil)
	o := &Objects{Nodes: []*corev1.Node{n}}
	look := func() *plan.Group {
		var tr Translator
		groups := configured("a")
		groups[0].Template.Allocatable.Extended = []scheduling.Extended{{Name: "example.com/none"}, {Name: "nvidia.com/gpu", Amount: 4}}
		s := tr.Snapshot(&Observation{Objects: o, Groups: groups, GroupOf: memberOf(o.Nodes, "a"), Now: exampleTime, ExamplesFor: time.Hour})
		return &s.Groups[0]
	}
	if g := look(); g.Live {
		t.Errorf("without GPUs: %+v", *g)
	}
	n.Status.Allocatable["nvidia.com/gpu"] = resource.MustParse("2")
	if g := look(); !g.Live || g.Template.Allocatable.Other("nvidia.com/gpu") != 2 {
		t.Errorf("with GPUs: %+v", *g)
	}
}

// runsOf names what runs on new nodes, with the CPU it takes.
func runsOf(s *plan.Snapshot, group int) []string {
	var out []string
	for _, r := range s.Groups[group].Runs {
		out = append(out, fmt.Sprint(r.DaemonSet, " ", s.Classes.Spec(r.Class).Requests.MilliCPU))
	}
	return out
}

// What runs on the example runs on new nodes. It is read again only when a pod that belongs to the node has changed.
func TestExampleKeepsItsPods(t *testing.T) {
	n, other := exampleNode("n", time.Hour, nil), exampleNode("o", 2*time.Hour, nil)
	nodes := []*corev1.Node{n, other}
	ending := examplePod("ending", "n", "DaemonSet", "7")
	ending.DeletionTimestamp, ending.DeletionGracePeriodSeconds = &metav1.Time{Time: exampleTime}, new(int64(30))
	done := examplePod("done", "n", "DaemonSet", "6")
	done.Status.Phase = corev1.PodFailed
	cheap := ranked(examplePod("cheap", "n", "DaemonSet", "8"), -11, 30)
	custom := examplePod("zcustom", "n", "CustomSet", "500m")
	custom.Annotations = map[string]string{annotationDaemonSetPod: "true"}
	o := &Objects{Nodes: nodes, Pods: []*corev1.Pod{
		examplePod("agent", "n", "DaemonSet", "1"), examplePod("proxy", "n", "", "2"), examplePod("web", "n", "ReplicaSet", "3"),
		examplePod("elsewhere", "o", "DaemonSet", "4"), examplePod("waits", "", "DaemonSet", "5"), ending, done, cheap, custom,
	}, ExpendableBelow: -10}
	var tr Translator
	s := exemplified(&tr, o, memberOf(nodes, "a"), exampleTime, "a")
	if got, want := runsOf(s, 0), []string{"default/of-agent 1000", " 2000", " 500"}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	first := &s.Groups[0].Runs[0]
	o.Pods = slices.Clone(o.Pods)
	o.Pods[2], o.Pods[3] = examplePod("web", "n", "ReplicaSet", "2"), examplePod("elsewhere", "o", "DaemonSet", "3")
	if s = exemplified(&tr, o, memberOf(nodes, "a"), exampleTime, "a"); &s.Groups[0].Runs[0] != first {
		t.Error("the pods of the example were read again, though none of them has changed")
	}
	o.Pods[1], o.Pods[4] = examplePod("proxy", "n", "", "1"), examplePod("waits", "n", "DaemonSet", "2")
	s = exemplified(&tr, o, memberOf(nodes, "a"), exampleTime, "a")
	if got, want := runsOf(s, 0), []string{"default/of-agent 1000", " 1000", "default/of-waits 2000", " 500"}; !slices.Equal(got, want) {
		t.Errorf("after pods have changed: %v, want %v", got, want)
	}
	o.Pods = o.Pods[1:]
	s = exemplified(&tr, o, memberOf(nodes, "a"), exampleTime, "a")
	if got, want := runsOf(s, 0), []string{" 1000", "default/of-waits 2000", " 500"}; !slices.Equal(got, want) {
		t.Errorf("after a pod has gone: %v, want %v", got, want)
	}
}

// A group that has no node any more is known by its last for a while, with what ran there, whatever becomes of the classes.
func TestExampleOutlivesItsNode(t *testing.T) {
	n := exampleNode("n", time.Hour, nil)
	var tr Translator
	o := &Objects{Nodes: []*corev1.Node{n}, Pods: []*corev1.Pod{examplePod("agent", "n", "DaemonSet", "1"), examplePod("proxy", "n", "", "2")}}
	exemplified(&tr, o, memberOf(o.Nodes, "a"), exampleTime, "a")
	want := []string{"default/of-agent 1000", " 2000"}
	o.Nodes, o.Pods = nil, nil
	for i, namespaces := range []map[string]map[string]string{nil, {"x": {"y": "z"}}, {"x": {"y": "z"}}} {
		o.Namespaces = namespaces
		s := exemplified(&tr, o, nil, exampleTime.Add(time.Duration(i)*time.Minute), "a")
		if got := runsOf(s, 0); !s.Groups[0].Live || s.Groups[0].Template.Labels["pool"] != "live" || !slices.Equal(got, want) {
			t.Fatalf("look %d: %+v runs %v", i, s.Groups[0], got)
		}
	}
	if s := exemplified(&tr, o, nil, exampleTime.Add(time.Hour-time.Second), "a"); !s.Groups[0].Live {
		t.Error("forgotten too early")
	}
	if s := exemplified(&tr, o, nil, exampleTime.Add(time.Hour), "a"); s.Groups[0].Live || s.Groups[0].Runs != nil || s.Groups[0].Template.Name != "configured" {
		t.Errorf("not forgotten: %+v", s.Groups[0])
	}
	o.Nodes = []*corev1.Node{n}
	exemplified(&tr, o, memberOf(o.Nodes, "a"), exampleTime, "a")
	exemplified(&tr, o, nil, exampleTime) // the group is gone
	o.Nodes = nil
	if s := exemplified(&tr, o, nil, exampleTime, "a"); s.Groups[0].Live {
		t.Error("a group of the same name as one that is gone is taken for it")
	}
}

// While nodes and pods come, go and change, a Translator finds the examples that one without a past does.
func TestExamplesAreAsGoodAsNew(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	live, same := 0, 0
	for i := range 200 {
		var tr Translator
		var nodes []*corev1.Node
		member := map[string]string{}
		for j := range 6 {
			n := exampleNode(fmt.Sprint("n", j), time.Duration(r.IntN(90))*time.Minute, nil)
			n.ResourceVersion = "1"
			nodes, member[n.Name] = append(nodes, n), fmt.Sprint("g", j%3)
		}
		var pods []*corev1.Pod
		version := 1
		for turn := range 10 {
			now := exampleTime.Add(time.Duration(turn) * time.Minute)
			for k := range nodes {
				if r.IntN(4) == 0 {
					n := nodes[k].DeepCopy()
					version++
					n.ResourceVersion = strconv.Itoa(version)
					n.Spec.Unschedulable = r.IntN(3) == 0
					n.Labels["turn"] = fmt.Sprint(r.IntN(2))
					nodes[k] = n
				}
			}
			for range 3 {
				kind := []string{"DaemonSet", "", "ReplicaSet"}[r.IntN(3)]
				p := examplePod(fmt.Sprint("p", r.IntN(12)), fmt.Sprint("n", r.IntN(6)), kind, fmt.Sprint(1+r.IntN(3)))
				version++
				p.ResourceVersion = strconv.Itoa(version)
				pods = slices.DeleteFunc(pods, func(o *corev1.Pod) bool { return o.Name == p.Name })
				if r.IntN(4) > 0 {
					pods = append(pods, p)
				}
			}
			var namespaces map[string]map[string]string
			if turn > 5 {
				namespaces = map[string]map[string]string{"default": {"a": "b"}}
			}
			o := &Objects{Nodes: slices.Clone(nodes), Pods: slices.Clone(pods), Namespaces: namespaces}
			kept := exemplified(&tr, o, member, now, "g0", "g1", "g2")
			fresh := exemplified(&Translator{}, o, member, now, "g0", "g1", "g2")
			for g := range kept.Groups {
				if !fresh.Groups[g].Live { // known from before, if at all
					continue
				}
				live++
				if len(kept.Groups[g].Runs) > 1 {
					same++
				}
				if !reflect.DeepEqual(kept.Groups[g].Template, fresh.Groups[g].Template) || !slices.Equal(runsOf(kept, g), runsOf(fresh, g)) {
					t.Fatalf("case %d, turn %d: kept %+v %v\nfresh %+v %v", i, turn, kept.Groups[g], runsOf(kept, g), fresh.Groups[g], runsOf(fresh, g))
				}
			}
		}
	}
	if live < 2000 || same < 500 {
		t.Errorf("%d examples, %d of them with several pods: that tests hardly anything", live, same)
	}
}

// The drivers and devices of new nodes are not those of the one node that is the example.
func TestExampleLeavesTheProfile(t *testing.T) {
	n := exampleNode("n", time.Hour, nil)
	tr := &Translator{}
	o := &Observation{Objects: &Objects{Nodes: []*corev1.Node{n}}, Groups: configured("a"), GroupOf: memberOf([]*corev1.Node{n}, "a")}
	s := tr.Snapshot(o)
	o.Now, o.ExamplesFor = exampleTime, time.Hour
	s.Nodes[0].Profile, s.Groups[0].Template.Profile = "of n", "of new nodes"
	for range 2 {
		tr.exemplify(s, o)
		if g := &s.Groups[0]; !g.Live || g.Template.Profile != "of new nodes" {
			t.Errorf("%+v", *g)
		}
	}
}
