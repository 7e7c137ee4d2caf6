package externalgrpc

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

type rig struct {
	t        *testing.T
	server   *externalgrpctest.Fake
	provider *Provider
	now      time.Time
	log      *strings.Builder
	// mayWrite is why nothing may be changed.
	mayWrite error
	// memory, view and going are what is believed of the server, and the nodes whose removal has begun.
	memory fleet.Memory
	view   fleet.View
	going  map[string]bool
}

// newRig is a provider before a fake with the groups a and b of at most ten nodes and two each.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, server: externalgrpctest.Start(t, nil), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), log: &strings.Builder{}, going: map[string]bool{}}
	r.server.Change(func(s *externalgrpctest.Fake) {
		for _, id := range []string{"a", "b"} {
			s.Groups = append(s.Groups, &protocol.NodeGroup{Id: id, MinSize: 1, MaxSize: 10})
			s.Sizes[id] = 2
			s.Templates[id] = serialized(t, template(id))
		}
		for _, n := range nodes() {
			s.Nodes[n.Name] = n.Labels["group"]
		}
	})
	r.provider = r.connect(Config{Address: r.server.Address})
	return r
}

func (r *rig) connect(cfg Config) *Provider {
	r.t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = config.Duration(10 * time.Second)
	}
	p, err := New(cfg, Deps{
		Log: slog.New(slog.NewTextHandler(r.log, nil)), Now: func() time.Time { return r.now }, Prices: true,
		MayWrite: func() error { return r.mayWrite },
		Defaults: group.Options{
			UtilizationThreshold: new(0.5), GPUUtilizationThreshold: new(0.0), UnneededTime: span(10 * time.Minute), UnreadyTime: span(20 * time.Minute),
			MaxNodeProvisionTime: span(15 * time.Minute), MaxNodeStartupTime: span(15 * time.Minute), IgnoreDaemonSets: new(false),
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = p.conn.Close() })
	return p
}

func span(d time.Duration) *config.Duration { return new(config.Duration(d)) }

func template(group string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "any", Labels: map[string]string{"group": group, corev1.LabelTopologyZone: "z"}}}
	n.Status.Capacity = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("58"),
	}
	n.Status.Allocatable = maps.Clone(n.Status.Capacity)
	n.Status.Allocatable[corev1.ResourceCPU] = resource.MustParse("3900m")
	return n
}

func serialized(t *testing.T, n *corev1.Node) []byte {
	t.Helper()
	data, err := n.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// nodes are two of each group and one of none, all an hour old.
func nodes() []*corev1.Node {
	var all []*corev1.Node
	for _, group := range []string{"a", "b"} {
		for i := range 2 {
			n := template(group)
			n.Name = fmt.Sprintf("%s-%d", group, i)
			n.Spec.ProviderID = "cloud://" + n.Name
			all = append(all, n)
		}
	}
	stranger := template("")
	stranger.Name = "control-plane"
	all = append(all, stranger)
	for _, n := range all {
		n.CreationTimestamp = metav1.NewTime(time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC))
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	}
	return all
}

func (r *rig) groups(nodes ...*corev1.Node) ([]plan.Group, map[string]string) {
	r.t.Helper()
	groups, err := r.provider.Observe(context.Background(), nodes)
	if err != nil {
		r.t.Fatal(err)
	}
	standing := make([]fleet.Node, len(nodes))
	for i, n := range nodes {
		standing[i] = fleet.Node{Name: n.Name, ProviderID: n.Spec.ProviderID, Deleting: r.going[n.Name]}
	}
	p := fleet.Policy{MaxNodeProvisionTime: 15 * time.Minute, MaxNodeDeletionTime: 5 * time.Minute}
	r.view, r.memory = fleet.Judge(groups, standing, r.memory, p, r.now)
	return plan.GroupsOf(r.view.Groups, r.view.Templates), r.view.Member
}

// increase lets a group that is believed to have from nodes grow.
func (r *rig) increase(group string, from, by int) error {
	resize := r.memory.Growth(group, from, from+by)
	moved, err := r.provider.SetTarget(context.Background(), resize)
	r.memory = r.memory.Resized(resize, moved, r.now)
	return err
}

// decrease gives up what has failed or not come of a group that is believed to have from nodes.
func (r *rig) decrease(group string, from, by int) error {
	ctx, to := context.Background(), from-by
	accepted, err := r.provider.Terminate(ctx, r.view.Failed(group, by))
	deleted := len(accepted)
	r.memory = r.memory.Shrunk(group, deleted)
	if from -= deleted; err != nil || from == to {
		return err
	}
	resize := r.view.Lower(group, from, to)
	moved, err := r.provider.SetTarget(ctx, resize)
	r.memory = r.memory.Resized(resize, moved, r.now)
	return err
}

// remove deletes nodes that have been drained.
func (r *rig) remove(group string, nodes ...string) error {
	t, err := r.view.Drained(group, nodes)
	if err != nil {
		return err
	}
	_, err = r.provider.Terminate(context.Background(), t)
	for _, name := range nodes {
		if err == nil {
			r.memory, _ = r.memory.Deleted(name, group, r.now)
			r.going[name] = true
		}
	}
	return err
}

// troubles are those of the groups, by name.
func troubles(groups []plan.Group) map[string]string {
	out := map[string]string{}
	for _, g := range groups {
		if g.Trouble != "" {
			out[g.Name] = g.Trouble
		}
	}
	return out
}
