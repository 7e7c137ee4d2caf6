package clusterscaler

import (
	"errors"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// cloudView is what the last loop has seen of the cloud, for those who look again at a node that is going: the cloud is not asked
// anew for each. What it has accepted to delete since counts.
type cloudView struct {
	mu     sync.Mutex
	groups []fleet.Group
	view   fleet.View
	memory fleet.Memory
	// err is why there is none.
	err error
}

var errCloudNotSeen = errors.New("node groups: no loop has seen them yet")

// seen takes what a loop has seen.
func (c *cloudView) seen(groups []fleet.Group, view fleet.View, memory fleet.Memory) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups, c.view, c.memory, c.err = groups, view, memory, nil
}

// fails says that a loop could see nothing: what was seen before is too old to remove nodes upon.
func (c *cloudView) fails(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// now is what to believe of the groups with these nodes.
func (c *cloudView) now(nodes []fleet.Node, p fleet.Policy, now time.Time) (fleet.View, fleet.Memory, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return fleet.View{}, fleet.Memory{}, c.err
	case c.groups == nil:
		return fleet.View{}, fleet.Memory{}, errCloudNotSeen
	}
	view, memory := fleet.Judge(c.groups, nodes, c.memory, p, now)
	return view, memory, nil
}

// drained is how to delete nodes of a group.
func (c *cloudView) drained(group string, nodes []string) (fleet.Termination, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view.Drained(group, nodes)
}

// deleted takes note of nodes that the cloud has accepted to delete.
func (c *cloudView) deleted(t fleet.Termination, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups = fleet.After(c.groups, t)
	for _, v := range t.Victims {
		c.memory, _ = c.memory.Deleted(v.Node, t.Group, now)
	}
}

// registered are the nodes as package fleet knows them.
func registered(nodes []*corev1.Node, deleting map[string]bool) []fleet.Node {
	out := make([]fleet.Node, len(nodes))
	for i, n := range nodes {
		out[i] = fleet.Node{Name: n.Name, ProviderID: n.Spec.ProviderID, Deleting: deleting[n.Name]}
	}
	return out
}
