package kubesched_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/kubesched/kubeschedtest"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// judged is a cluster of the nodes in which the snapshot judges, and the classes of the pods.
func judged(snapshot *kubesched.Snapshot, nodes []*corev1.Node, pods []*corev1.Pod) (*scheduling.Cluster, []scheduling.Class) {
	var classes scheduling.Classes
	of := make([]scheduling.Class, len(pods))
	for i, p := range pods {
		spec := scheduling.SpecOf(p)
		spec.Demand = snapshot.Demand(p)
		of[i] = classes.Intern(spec)
	}
	cluster := scheduling.NewCluster(&classes)
	for _, n := range nodes {
		node := scheduling.NodeOf(n)
		node.Profile = snapshot.Profile(n.Name)
		cluster.AddNode(&node)
	}
	cluster.SetFilterPlugins(snapshot)
	return cluster, of
}

// What pods take, and what pods that leave give back, is as before once it is undone.
func TestUndoRestoresAnswers(t *testing.T) {
	t.Parallel()
	moved := 0
	for i := range 150 {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		c := kubeschedtest.Random(r)
		var pods []*corev1.Pod
		for _, p := range c.Pods {
			if scheduling.NeedsFilterPlugins(p) {
				pods = append(pods, p)
			}
		}
		snapshot, err := kubesched.New(&c.Objects, pods)
		if err != nil {
			t.Fatal(err)
		}
		cluster, of := judged(snapshot, c.Nodes, pods)
		on := make([]int, len(pods))
		for p := range on {
			on[p] = -1
		}
		answers := func() (out []string) {
			for _, class := range of {
				for n := range c.Nodes {
					out = append(out, fmt.Sprint(cluster.Fits(class, scheduling.NodeID(n))))
				}
			}
			return out
		}
		step := func() {
			p := r.IntN(len(pods))
			if on[p] >= 0 {
				cluster.Take(of[p], scheduling.NodeID(on[p]), 1)
				on[p] = -1
				moved++
				return
			}
			if n := r.IntN(len(c.Nodes)); cluster.Fill(of[p], scheduling.NodeID(n), 1) == 1 {
				on[p] = n
				moved++
			}
		}
		if len(pods) == 0 {
			continue
		}
		for range 10 {
			step()
		}
		for range 4 {
			mark, before, where := cluster.Mark(), answers(), append([]int(nil), on...)
			for range 6 {
				step()
			}
			cluster.Undo(mark)
			on = where
			if after := answers(); !reflect.DeepEqual(before, after) {
				t.Fatalf("cluster %d: before\n%v\nafter\n%v", i, before, after)
			}
			step()
		}
	}
	if moved < 1000 {
		t.Errorf("only %d pods came or left", moved)
	}
}
