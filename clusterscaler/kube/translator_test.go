package kube

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/clusterscaler/scheduling/schedulingtest"
)

// While pods come, go and change, and budgets and namespaces with them, each Snapshot of a Translator says the same
// as one that is made from nothing, and leads to the same plan.
func TestTranslatorForgetsNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	policy := plan.DefaultPolicy()
	policy.OkTotalUnreadyCount = 1000 // the nodes say nothing of being ready
	again, grown, shared := 0, 0, 0
	for i := range 150 {
		c := schedulingtest.Random(r)
		objects := &Objects{Nodes: c.Nodes, Namespaces: c.Namespaces}
		version := 0
		for _, p := range c.Pods {
			p.CreationTimestamp = metav1.Time{Time: now.Add(-time.Hour)}
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "r", Controller: new(true)}}
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
		}
		var translator Translator
		var planner plan.Planner
		nodes, feed := c.Nodes, &PodChanges{}
		for turn := range 12 {
			before := objects.Pods
			version = changeCluster(r, c, objects, version)
			tell(feed, before, objects.Pods)
			if version, objects.Nodes = changeNodes(r, objects.Nodes, version); r.IntN(4) == 0 {
				objects.Nodes = nodes
			}
			groups, member := randomGroups(nodes)
			fresh := (&Observation{Objects: objects, Groups: groups, GroupOf: member}).Snapshot()
			classes := translator.classes
			seen := *objects
			if i%2 == 0 {
				seen.Pods, seen.Changes = nil, feed
			}
			last := translator.snapshot
			kept := translator.Snapshot(&Observation{Objects: &seen, Groups: groups, GroupOf: member})
			for _, p := range kept.Pods {
				if slices.Contains(last, p) {
					shared++
				}
				if o := translator.Pod(p.Name); o == nil || o.Namespace+"/"+o.Name != p.Name {
					t.Fatalf("cluster %d, turn %d: %s is %v", i, turn, p.Name, o)
				}
			}
			if classes == translator.classes {
				again++
			}
			if a, b := plain(kept), plain(fresh); !reflect.DeepEqual(a, b) {
				t.Fatalf("cluster %d, turn %d: kept\n%v\nfresh\n%v", i, turn, a, b)
			}
			coarser := map[scheduling.Class]scheduling.Class{}
			for i := range kept.Pods {
				k, f := kept.Pods[i].Class, fresh.Pods[i].Class
				if other, known := coarser[k]; known && other != f {
					t.Fatalf("cluster %d, turn %d: pods of one class are of two", i, turn)
				}
				coarser[k] = f
			}
			a, _ := planner.Decide(kept, plan.Memory{}, policy, now)
			b, _ := plan.Decide(fresh, plan.Memory{}, policy, now)
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("cluster %d, turn %d: two plans\n%+v\n%+v", i, turn, a, b)
			}
			grown += len(a.ScaleUp)
		}
	}
	if again < 300 || grown < 300 || shared < 3000 {
		t.Errorf("the classes were kept %d times, %d pods were kept, and %d groups grew", again, shared, grown)
	}
}

// changeCluster draws which of the pods are there, and changes some of them as the API server would.
func changeCluster(r *rand.Rand, c schedulingtest.Cluster, o *Objects, version int) int {
	before := o.Pods
	o.Pods = nil
	for _, p := range c.Pods {
		i := slices.IndexFunc(before, func(b *corev1.Pod) bool { return b.Name == p.Name && b.Namespace == p.Namespace })
		switch {
		case i < 0 && r.IntN(3) > 0, i >= 0 && r.IntN(8) == 0: // not there, or gone
			continue
		case i >= 0 && r.IntN(4) > 0:
			o.Pods = append(o.Pods, before[i].DeepCopy()) // lists copy
			continue
		}
		version++
		p = p.DeepCopy()
		p.ResourceVersion = strconv.Itoa(version)
		switch r.IntN(6) {
		case 0:
			p.Labels["app"] = "web"
		case 1:
			p.Status.Phase = corev1.PodSucceeded
		case 2:
			p.Spec.NodeName = c.Nodes[r.IntN(len(c.Nodes))].Name
		}
		o.Pods = append(o.Pods, p)
	}
	if r.IntN(5) == 0 {
		o.Namespaces = maps.Clone(o.Namespaces)
		o.Namespaces["bare"] = map[string]string{"team": []string{"a", "b"}[r.IntN(2)]}
	}
	if r.IntN(3) == 0 {
		o.Budgets = nil
		for i := range r.IntN(3) {
			b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("b", i)}}
			b.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": []string{"web", "db"}[r.IntN(2)]}}
			o.Budgets = append(o.Budgets, b)
		}
	}
	r.Shuffle(len(o.Pods), func(i, j int) { o.Pods[i], o.Pods[j] = o.Pods[j], o.Pods[i] })
	return version
}

// tell tells as an informer does what has changed from one list of pods to the next.
func tell(feed *PodChanges, before, after []*corev1.Pod) {
	name := func(p *corev1.Pod) string { return p.Namespace + "/" + p.Name }
	old := map[string]*corev1.Pod{}
	for _, p := range before {
		old[name(p)] = p
	}
	for _, p := range after {
		if o := old[name(p)]; o == nil {
			feed.OnAdd(p, false)
		} else if o != p {
			feed.OnUpdate(o, p)
		}
		delete(old, name(p))
	}
	for key, p := range old {
		if len(key)%2 == 0 {
			feed.OnDelete(p)
		} else {
			feed.OnDelete(toolscache.DeletedFinalStateUnknown{Key: key, Obj: p})
		}
	}
}

// Few or many, elements come into a list and leave it as if it had been sorted anew.
func TestListsStayInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	same := func(s string) string { return s }
	var list []string
	for range 2000 {
		var added, gone []string
		for range r.IntN(3 * few) {
			added = append(added, strconv.Itoa(r.IntN(1_000_000)))
		}
		slices.Sort(added)
		added = slices.DeleteFunc(slices.Compact(added), func(s string) bool { return slices.Contains(list, s) })
		r.Shuffle(len(added), func(i, j int) { added[i], added[j] = added[j], added[i] })
		for range r.IntN(3 * few) {
			if len(list) > 0 {
				gone = append(gone, list[r.IntN(len(list))])
			}
		}
		want := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(gone, s) })
		want = append(want, added...)
		slices.Sort(want)
		list = joined(without(list, gone, same), added, same)
		if !slices.Equal(list, want) {
			t.Fatalf("%v\nwant\n%v", list, want)
		}
	}
}

// changeNodes reads all nodes again, as lists do; one of them may have changed, be gone, or only have reported again.
func changeNodes(r *rand.Rand, nodes []*corev1.Node, version int) (int, []*corev1.Node) {
	var out []*corev1.Node
	at := r.IntN(2 * len(nodes)) // half of the time none
	for i, n := range nodes {
		n = n.DeepCopy()
		if i == at {
			version++
			n.ResourceVersion = strconv.Itoa(version)
			switch r.IntN(4) {
			case 0:
				n.Spec.Unschedulable = !n.Spec.Unschedulable
			case 1:
				n.Annotations = map[string]string{annotationScaleDownDisabled: []string{"true", "false"}[r.IntN(2)]}
			case 2:
				if len(nodes) > 1 {
					continue
				}
			}
		}
		out = append(out, n)
	}
	return version, out
}

// randomGroups makes each node the only one of a group that can grow.
func randomGroups(nodes []*corev1.Node) ([]plan.Group, map[string]string) {
	var groups []plan.Group
	member := map[string]string{}
	for _, n := range nodes {
		template := scheduling.NodeOf(n)
		groups = append(groups, plan.Group{Belief: fleet.Belief{Name: "g-" + n.Name, Max: 5, Target: 1}, Template: template, Capacity: template.Allocatable})
		member[n.Name] = "g-" + n.Name
	}
	return groups, member
}

// plain is what the snapshot says, without the numbers of its classes.
func plain(s *plan.Snapshot) []string {
	out := []string{fmt.Sprintf("%+v", s.Budgets)}
	for _, n := range s.Nodes {
		out = append(out, fmt.Sprintf("%+v", *n))
	}
	for _, p := range s.Pods {
		requests := s.Classes.Spec(p.Class).Requests
		same := *p
		same.Class = 0
		out = append(out, fmt.Sprintf("%+v %+v", same, requests))
	}
	return out
}
