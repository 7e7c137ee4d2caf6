package clusterscaler

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/kwok"
)

// A node with a startup taint of the configuration is one that is on its way: no other is asked for.
func TestStartupTaintIsConfigured(t *testing.T) {
	for _, keys := range [][]string{nil, {"cni"}} {
		var cfg config.Config
		cfg.SetDefaults()
		cfg.StartupTaint = keys
		n := idle(corev1.Taint{Key: "cni", Effect: corev1.TaintEffectNoSchedule})
		n.CreationTimestamp = metav1.Time{Time: startTime()}
		r := newRigWith(t, cfg, n, pendingPod())
		r.provider.member = map[string]string{"n": "a"}
		r.scaler.loop(context.Background())
		if grows := len(r.provider.grown) > 0; grows != (keys == nil) {
			t.Errorf("startup taints %v: grown %v", keys, r.provider.grown)
		}
	}
}

// A pod of a ReplicaSet with fewer replicas than configured keeps its node.
func TestMinReplicaCountIsConfigured(t *testing.T) {
	for least, want := range map[int]string{0: "NotUnneededLongEnough", 2: "BlockedByPod: pod default/web, rule MinReplicasReached"} {
		var cfg config.Config
		cfg.SetDefaults()
		cfg.MinReplicaCount = least
		one := int32(1)
		set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}, Spec: appsv1.ReplicaSetSpec{Replicas: &one}}
		pod := pendingPod()
		pod.Spec.NodeName, pod.Status.Conditions, pod.Spec.Containers = "n", nil, []corev1.Container{{}}
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "u", Controller: new(true)}}
		other := idle()
		other.Name = "m"
		r := newRigWith(t, cfg, idle(), other, set, pod)
		r.provider.member = map[string]string{"n": "a"}
		r.scaler.loop(context.Background())
		for _, v := range r.scaler.last.plan.Nodes {
			if v.Node == "n" && !strings.HasPrefix(v.Verdict.Message(), want) {
				t.Errorf("minReplicaCount %d: %s, want %s", least, v.Verdict.Message(), want)
			}
		}
	}
}

// The drain has what the configuration says of it.
func TestDrainIsConfigured(t *testing.T) {
	c, err := decode("drainPriorityConfig: '10:5,0:60'\ndaemonsetEvictionForEmptyNodes: true\nnodeDeletionDelayTimeout: 7s\nmaxGracefulTerminationSec: 9\nexpendablePodsPriorityCutoff: -3")
	if err != nil {
		t.Fatal(err)
	}
	want := "{DelayAfterTaint:5s MaxPodEvictionTime:2m0s MaxGracefulTermination:9s EvictionGroups:[{Priority:0 Grace:1m0s} {Priority:10 Grace:5s}] DaemonSetsOfEmpty:true DaemonSetsOfOccupied:true ExpendableBelow:-3 DeletionDelay:7s Poll:2s}"
	if got := sprint(c.Drain()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c.MaxGracefulTerminationSec = math.MaxInt
	if got := c.Drain().MaxGracefulTermination; got < 290*365*24*time.Hour {
		t.Errorf("the longest grace is %s", got)
	}
	if got := newRigWith(t, c).scaler.observer.ExpendableBelow; got != -3 {
		t.Errorf("pods are read with the cutoff %d, want -3", got)
	}
}

// What tags and annotations say of a group holds in the loop as what its options and template say.
func TestMetadataOfGroupsIsConfigured(t *testing.T) {
	cfg, err := decode(`kwok:
  groups:
  - name: a
    max: 3
    template: {capacity: {cpu: 4, memory: 16Gi}}
    options: {scaleDownUnneededTime: 1h}
  - name: b
    max: 3
    template: {capacity: {cpu: 4}}
    tags:
      k8s.io/cluster-autoscaler/node-template/autoscaling-options/scaledownunneededtime: 2h
      k8s.io/cluster-autoscaler/node-template/resources/memory: 16Gi
  - name: c
    annotations:
      cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "3"
      cluster.x-k8s.io/autoscaling-options-scaledownunneededtime: 3h
      capacity.cluster-autoscaler.kubernetes.io/cpu: "4"
      capacity.cluster-autoscaler.kubernetes.io/memory: 16Gi
`)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []client.Object
	for _, group := range []string{"a", "b", "c"} {
		n := idle()
		n.Name, n.Labels = "n-"+group, map[string]string{kwok.GroupLabel: group}
		nodes = append(nodes, n)
	}
	r := newRigWith(t, cfg, nodes...)
	r.scaler.provider = newKwok(&cfg, r.scaler.deps)
	r.scaler.loop(context.Background())
	for i, hours := range []string{"1h", "2h", "3h"} {
		if got, want := r.scaler.last.plan.Nodes[i].Verdict.Message(), "NotUnneededLongEnough: unneeded for 0s, wait "+hours; !strings.HasPrefix(got, want) {
			t.Errorf("group %d: %s, want %s", i, got, want)
		}
	}
}
