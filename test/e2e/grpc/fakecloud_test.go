package grpc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/test/e2e/cluster"
)

// launchTime is how long a machine of the fake cloud takes to become a node: longer than a loop.
const launchTime = 1500 * time.Millisecond

// fakeCloud is a fake of a cloud: a fake server over TLS with certificates of both sides, and instances behind it that
// are nothing but Node objects, which kwok plays. Growth makes instances, which become nodes after launchTime; instances
// that are removed vanish with their nodes.
type fakeCloud struct {
	*externalgrpctest.Fake
	// folder has the files of a client: ca, cert and key.
	folder string
	// api is where nodes come and go.
	api client.Client

	launches sync.WaitGroup
	// launched counts the instances that there ever were, by group, and stuck has the groups whose instances do not become
	// nodes; both may be used inside of Change only.
	launched map[string]int
	stuck    map[string]bool
}

// newFakeCloud has one until the test ends, with these groups of up to so many nodes.
func newFakeCloud(t *testing.T, groups map[string]int32) *fakeCloud {
	t.Helper()
	c := &fakeCloud{folder: t.TempDir(), launched: map[string]int{}, stuck: map[string]bool{}}
	t.Cleanup(c.launches.Wait) // when the server has ended
	authority := externalgrpctest.NewAuthority(t)
	externalgrpctest.WriteFiles(t, c.folder, authority, authority)
	c.Fake = externalgrpctest.Start(t, authority.ServerTLS(t, authority))
	c.Change(func(s *externalgrpctest.Fake) {
		for id, most := range groups {
			s.Groups = append(s.Groups, &protocol.NodeGroup{Id: id, MaxSize: most})
			if id == "least-a" {
				s.Groups[len(s.Groups)-1].MinSize = 1
			}
			template, err := newNode(id, "template").Marshal()
			if err != nil {
				t.Fatal(err)
			}
			s.Templates[id] = template
		}
		s.Grown = func(group string, by int) { c.launch(t, group, by) }
		s.Removed = func(nodes []*protocol.ExternalGrpcNode) {
			for _, n := range nodes {
				c.removeNode(t, strings.TrimPrefix(n.GetProviderID(), providerID("")))
			}
		}
	})
	return c
}

// newNode is a node of a group as it registers. Its label fault is the group's name up to the dash.
func newNode(group, name string) *corev1.Node {
	fault, _, _ := strings.Cut(group, "-")
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("4Gi"), corev1.ResourcePods: resource.MustParse("20"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
			Labels: map[string]string{corev1.LabelHostname: name, cluster.GroupLabel: group, "fault": fault},
		},
		Spec:   corev1.NodeSpec{ProviderID: providerID(name)},
		Status: corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
}

func providerID(name string) string { return "fakecloud://" + name }

// launch makes so many instances, which become nodes later.
func (c *fakeCloud) launch(t *testing.T, group string, by int) {
	for range by {
		var name string
		c.Change(func(s *externalgrpctest.Fake) {
			c.launched[group]++
			name = fmt.Sprintf("%s-%d", group, c.launched[group])
			s.Instances[group] = append(s.Instances[group], &protocol.Instance{
				Id: providerID(name), Status: &protocol.InstanceStatus{InstanceState: protocol.InstanceStatus_instanceCreating},
			})
		})
		c.launches.Go(func() {
			due := time.NewTimer(launchTime)
			defer due.Stop()
			select {
			case <-due.C:
				c.register(t, group, name)
			case <-t.Context().Done():
			}
		})
	}
}

// register makes an instance a node, unless it has been removed or is stuck.
func (c *fakeCloud) register(t *testing.T, group, name string) {
	wanted := false
	c.Change(func(s *externalgrpctest.Fake) {
		for i, instance := range s.Instances[group] {
			if instance.GetId() == providerID(name) && !c.stuck[group] {
				wanted = true
				s.Instances[group][i] = &protocol.Instance{
					Id: instance.GetId(), Status: &protocol.InstanceStatus{InstanceState: protocol.InstanceStatus_instanceRunning},
				}
				s.Nodes[name] = group
			}
		}
	})
	if !wanted {
		return
	}
	if err := c.api.Create(t.Context(), newNode(group, name)); err != nil && t.Context().Err() == nil {
		t.Errorf("the fake cloud cannot register node %s: %v", name, err)
	}
}

// removeNode does what a cloud's own controller does when an instance is gone.
func (c *fakeCloud) removeNode(t *testing.T, name string) {
	if err := c.api.Delete(t.Context(), cluster.Node(name)); client.IgnoreNotFound(err) != nil && t.Context().Err() == nil {
		t.Errorf("the fake cloud cannot remove node %s: %v", name, err)
	}
}

// everLaunched is the condition that a group has had so many instances, including deleted ones.
func (c *fakeCloud) everLaunched(group string, want int) func(context.Context) error {
	return func(context.Context) (err error) {
		c.Change(func(*externalgrpctest.Fake) {
			if got := c.launched[group]; got != want {
				err = fmt.Errorf("group %s has had %d instances, not %d", group, got, want)
			}
		})
		return err
	}
}

// forgets takes a group out of the list of the server, which knows nothing of it until back is called.
func (c *fakeCloud) forgets(t *testing.T, group string) (back func()) {
	t.Helper()
	var forgotten *protocol.NodeGroup
	c.Change(func(s *externalgrpctest.Fake) {
		s.Groups = slices.DeleteFunc(slices.Clone(s.Groups), func(g *protocol.NodeGroup) bool {
			if g.GetId() == group {
				forgotten = g
			}
			return g.GetId() == group
		})
	})
	if forgotten == nil {
		t.Fatalf("there is no group %s", group)
	}
	return func() { c.Change(func(s *externalgrpctest.Fake) { s.Groups = append(s.Groups, forgotten) }) }
}

// asked is the condition that a call has been made so many times more.
func (c *fakeCloud) asked(method string, times int) func(context.Context) error {
	want := c.Called(method) + times
	return func(context.Context) error {
		if got := c.Called(method); got < want {
			return fmt.Errorf("%s has been called %d times, not yet %d", method, got, want)
		}
		return nil
	}
}
