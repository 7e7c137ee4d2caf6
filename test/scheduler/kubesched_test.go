package scheduler_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched/kubeschedtest"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/test/scheduler"
)

var volumeCases = flag.Int("volume-cases", 400, "how many random clusters with volumes and device claims kubesched and kube-scheduler are asked about")

// On random clusters with volumes and device claims the simulator and kubesched find for each pod and each node what the
// whole kube-scheduler finds: whether it fits, and if not, which plugin says so, and in which words. Pods come and go
// meanwhile, and take free volumes and devices.
func TestKubeschedAgreesWithKubeScheduler(t *testing.T) {
	t.Parallel()
	asked, refused := 0, map[string]int{}
	end := time.Now().Add(*spend)
	i := 0
	for ; i < *volumeCases || time.Now().Before(end); i++ {
		at := *seed + uint64(i)
		compareVolumes(t, at, func(_ scheduling.Misfit, want scheduler.Refusal) { asked++; refused[want.Plugin]++ })
		if t.Failed() {
			return
		}
	}
	t.Logf("%d questions about %d clusters; refused: %v", asked, i, refused)
	for _, plugin := range []string{"", "NodeResourcesFit", "VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "DynamicResources"} {
		if refused[plugin] < *volumeCases/20 {
			t.Errorf("the clusters hardly ask about %q: %v", plugin, refused)
		}
	}
}

// compareVolumes walks through the cluster of that seed, and fails where both differ. It returns how to write the walk
// down.
func compareVolumes(t *testing.T, at uint64, count func(scheduling.Misfit, scheduler.Refusal)) (text func() *scheduler.Case) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := rand.New(rand.NewPCG(at, 1))
	c := kubeschedtest.Random(r)
	namespaces := map[string]map[string]string{"shop": nil}
	s, err := scheduler.New(ctx, namespaces, objectsOf(&c)...)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := newVolumeScene(&c, namespaces)
	if err != nil {
		t.Fatal(err)
	}
	text = func() *scheduler.Case { return sc.walk.text(namespaces, c.Nodes, c.Pods, objectsOf(&c)) }
	for range 3 * len(c.Pods) {
		p := r.IntN(len(c.Pods))
		s.See(c.Nodes, running(c.Pods, c.Nodes, sc.on))
		if n := sc.on[p]; n >= 0 {
			if c.Pods[p].Spec.NodeName != "" || waitsWithOthers(c.Pods[p]) { // its volume stays attached, which is counted
				continue
			}
			for _, like := range sc.like(p, n) { // all: which of them a free volume was given to is not told apart
				sc.take(like)
				if err := s.Take(ctx, c.Pods[like], c.Nodes[n].Name, sc.uses); err != nil {
					t.Fatalf("seed %d: take %s: %v", at, c.Pods[like].Name, err)
				}
				sc.walk.took(like)
			}
			continue
		}
		want, err := s.Fits(ctx, c.Pods[p])
		if err != nil {
			t.Fatalf("seed %d: %v", at, err)
		}
		sc.walk.asked(p)
		var fitting []int
		for n := range c.Nodes {
			got, refusal := sc.cluster.Fits(sc.classes[p], scheduling.NodeID(n)), want[c.Nodes[n].Name]
			count(got, refusal)
			if why := differ(got, refusal); why != "" {
				t.Error(report(t.Context(), fmt.Sprintf("seed %d of %s", at, t.Name()), text(), c.Pods[p].Name, &answer{c.Nodes[n].Name, got, refusal}))
				return text
			}
			if got.OK() {
				fitting = append(fitting, n)
			}
		}
		if len(fitting) > 0 {
			n := fitting[r.IntN(len(fitting))]
			if err := s.Place(ctx, c.Pods[p], c.Nodes[n].Name); err != nil {
				t.Fatalf("seed %d: place %s: %v", at, c.Pods[p].Name, err)
			}
			sc.place(p, n)
			sc.walk.placed(p, n)
		}
	}
	return text
}

// waitsWithOthers is whether the pod has the claim that others may have too and that waits for its first consumer: were the pod
// taken, kube-scheduler would forget the choice for all.
func waitsWithOthers(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == "common-waits"
	})
}
