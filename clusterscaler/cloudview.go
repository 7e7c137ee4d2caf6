package clusterscaler

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// cloudView is what the last loop has seen of the cloud. Rechecks of nodes use it, so that none of them asks the cloud anew.
// What the cloud has accepted to delete since then counts.
type cloudView struct {
	mu     sync.Mutex
	groups []fleet.Group
	view   fleet.View
	memory fleet.Memory
	// asked is when the loop asked the cloud. accepted are the deletions since, which its answer may not count.
	asked    time.Time
	accepted []acceptedDeletion
	// err is why there is none.
	err error
}

type acceptedDeletion struct {
	fleet.Termination
	at time.Time
}

var errCloudNotSeen = errors.New("node groups: no loop has seen them yet")

// seen takes what a loop has seen of a cloud that it asked at that time. What the cloud accepted to delete meanwhile counts again:
// at worst a group is taken for smaller than it is, and keeps a node more. The loop learns of a deletion once its drain has ended.
func (c *cloudView) seen(groups []fleet.Group, view fleet.View, memory fleet.Memory, asked time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups, c.view, c.memory, c.asked, c.err = groups, view, memory, asked, nil
	for _, d := range c.accepted {
		if !d.at.Before(asked) {
			c.groups = fleet.After(c.groups, d.Termination)
		}
		c.remember(d)
	}
	c.accepted = slices.DeleteFunc(c.accepted, func(d acceptedDeletion) bool { return d.at.Before(asked) })
}

// remember puts a deletion into the memory that does not know it yet.
func (c *cloudView) remember(d acceptedDeletion) {
	for _, v := range d.Victims {
		if c.memory.Deletions[v.Node].At.Before(d.at) {
			c.memory, _ = c.memory.Deleted(v.Node, d.Group, d.at)
		}
	}
}

// fails says that a loop could see nothing: what was seen before is too old to remove nodes upon.
func (c *cloudView) fails(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// now is what to believe of the groups with these nodes. A view that is older than most is an error: no node goes upon it.
func (c *cloudView) now(nodes []fleet.Node, p fleet.Policy, now time.Time, most time.Duration) (fleet.View, fleet.Memory, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return fleet.View{}, fleet.Memory{}, c.err
	case c.groups == nil:
		return fleet.View{}, fleet.Memory{}, errCloudNotSeen
	}
	if age := now.Sub(c.asked); age > most {
		return fleet.View{}, fleet.Memory{}, fmt.Errorf("node groups: a loop has asked the cloud %s ago, and no later one has its answer; a node is removed only upon one of the last %s", age.Round(time.Second), most)
	}
	view, memory := fleet.Judge(c.view.Joined(c.groups, nodes), nodes, c.memory, p, now)
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
	d := acceptedDeletion{t, now}
	c.accepted = append(c.accepted, d)
	c.remember(d)
}

// registered are the nodes as package fleet knows them.
func registered(nodes []*corev1.Node, deleting map[string]bool) []fleet.Node {
	out := make([]fleet.Node, len(nodes))
	for i, n := range nodes {
		out[i] = fleet.Node{Name: n.Name, ProviderID: n.Spec.ProviderID, Deleting: deleting[n.Name]}
	}
	return out
}
