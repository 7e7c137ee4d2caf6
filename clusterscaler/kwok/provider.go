package kwok

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// Deps are what a Provider works with.
type Deps struct {
	Client client.Writer
	Log    *slog.Logger
	Now    func() time.Time
	// MaxNodeDeletionTime is for how long a node may be seen that was deleted, before it counts again.
	MaxNodeDeletionTime time.Duration
	// Suffix makes the last part of a node's name; two calls must hardly ever give the same.
	Suffix func() string
}

// Provider grows and shrinks groups. It is safe for concurrent use.
type Provider struct {
	deps   Deps
	groups []Group

	mu sync.Mutex
	// launches are nodes that were requested and have not been seen yet.
	launches []launch
	// standing is how many nodes of each group were seen the last time.
	standing map[string]int
	// deleted are nodes that were deleted and may still be seen, with when.
	deleted map[string]time.Time
	// changed wakes Run when there is a new launch.
	changed chan struct{}
}

type launch struct {
	group *Group
	name  string
	due   time.Time
	// created says that the API server has the node, though the cache may not.
	created bool
	// failed is why there will be no node.
	failed string
}

// New makes a Provider of these groups.
func New(groups []Group, deps Deps) *Provider {
	return &Provider{deps: deps, groups: groups, deleted: map[string]time.Time{}, changed: make(chan struct{}, 1)}
}

// Groups returns the groups as they stand, and the group of each of the nodes that belongs to one.
func (p *Provider) Groups(_ context.Context, nodes []*corev1.Node) ([]plan.Group, map[string]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := make(map[string]bool, len(nodes))
	member := map[string]string{}
	size := map[string]int{}
	for _, n := range nodes {
		seen[n.Name] = true
		group := n.Labels[GroupLabel]
		if p.find(group) == nil || n.DeletionTimestamp != nil { // a node that the API server is deleting is of no group
			continue
		}
		member[n.Name] = group
		at, was := p.deleted[n.Name]
		if was && (n.CreationTimestamp.After(at) || p.deps.Now().Sub(at) >= p.deps.MaxNodeDeletionTime) {
			delete(p.deleted, n.Name)
			was = false
		}
		if !was {
			size[group]++
		}
	}
	p.launches = slices.DeleteFunc(p.launches, func(l launch) bool { return l.created && seen[l.name] })
	for name := range p.deleted {
		if !seen[name] {
			delete(p.deleted, name)
		}
	}
	p.standing = maps.Clone(size)
	failed, unregistered := map[string][]plan.Failure{}, map[string][]string{}
	for _, l := range p.launches {
		if p.unregistered(l) {
			unregistered[l.group.Name] = append(unregistered[l.group.Name], l.name)
		}
		size[l.group.Name]++
		if l.failed != "" {
			failed[l.group.Name] = append(failed[l.group.Name], plan.Failure{Instance: l.name, Message: l.failed})
		}
	}
	out := make([]plan.Group, len(p.groups))
	for i := range p.groups {
		g := &p.groups[i]
		out[i] = g.planned(size[g.Name])
		out[i].Failed, out[i].Unregistered = failed[g.Name], unregistered[g.Name]
	}
	return out, member, nil
}

// Increase requests so many more nodes for a group of that size.
func (p *Provider) Increase(_ context.Context, group string, from, by int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.find(group)
	switch {
	case g == nil:
		return fmt.Errorf("group %s is not configured", group)
	case from+by > g.Max:
		return fmt.Errorf("group %s: %d nodes are more than its maximum of %d", group, from+by, g.Max)
	}
	due := p.deps.Now().Add(g.LaunchDelay)
	for range by {
		l := launch{group: g, name: g.Name + "-" + p.deps.Suffix(), due: due}
		if g.Available != nil && p.standing[g.Name]+p.launching(g) >= *g.Available {
			l.failed = fmt.Sprintf("out of capacity: there can be %d nodes", *g.Available)
		}
		p.launches = append(p.launches, l)
	}
	select {
	case p.changed <- struct{}{}:
	default: // Run has not yet looked since the last
	}
	return nil
}

// unregistered is whether the launch has become an instance that will be no node.
func (p *Provider) unregistered(l launch) bool {
	return l.group.LaunchFailure == group.LaunchUnregistered && l.failed == "" && !p.deps.Now().Before(l.due)
}

// launching is how many launches of the group have not failed and not been seen as nodes.
func (p *Provider) launching(g *Group) int {
	n := 0
	for _, l := range p.launches {
		if l.group == g && l.failed == "" {
			n++
		}
	}
	return n
}

// Decrease drops launches: failed ones first, then the last of those that have no node yet, then those whose node was made
// and has never been seen: it has gone before anybody looked.
func (p *Provider) Decrease(_ context.Context, name string, _, by int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, droppable := range []func(launch) bool{
		func(l launch) bool { return l.failed != "" },
		func(l launch) bool { return !l.created && !p.unregistered(l) },
		func(l launch) bool { return l.created },
	} {
		for i := len(p.launches) - 1; i >= 0 && by > 0; i-- {
			if l := p.launches[i]; l.group.Name == name && droppable(l) {
				p.launches = slices.Delete(p.launches, i, i+1)
				by--
			}
		}
	}
	if by > 0 {
		return fmt.Errorf("group %s: %d of the nodes to give up stand", name, by)
	}
	return nil
}

// Delete removes nodes of a group, or instances that are none. Those that are gone already are no error.
func (p *Provider) Delete(ctx context.Context, group string, nodes []string) error {
	for _, name := range nodes {
		if p.drop(name) {
			continue
		}
		node := &corev1.Node{}
		node.Name = name
		if err := p.deps.Client.Delete(ctx, node); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("group %s: delete node %s: %w", group, name, err)
		}
		p.mu.Lock()
		p.deleted[name] = p.deps.Now()
		p.mu.Unlock()
	}
	return nil
}

// drop ends an instance that has not registered, if it is one.
func (p *Provider) drop(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.launches, func(l launch) bool { return l.name == name && p.unregistered(l) })
	if i < 0 {
		return false
	}
	p.launches = slices.Delete(p.launches, i, i+1)
	return true
}

// find is the group of that name, or nil.
func (p *Provider) find(name string) *Group {
	for i := range p.groups {
		if p.groups[i].Name == name {
			return &p.groups[i]
		}
	}
	return nil
}

// createTimeout bounds the creation of one node.
const createTimeout = 10 * time.Second

// Run creates the requested nodes when they are due, until ctx ends.
func (p *Provider) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-p.changed:
		}
		if next, waiting := p.launchDue(ctx); waiting {
			timer.Reset(next)
		}
	}
}

// launchDue creates the nodes that are due, and says how long to wait for the next.
func (p *Provider) launchDue(ctx context.Context) (next time.Duration, waiting bool) {
	now := p.deps.Now()
	for _, l := range p.pending() {
		if wait := l.due.Sub(now); wait > 0 {
			if !waiting || wait < next {
				next, waiting = wait, true
			}
			continue
		}
		createCtx, cancel := context.WithTimeout(ctx, createTimeout)
		err := p.deps.Client.Create(createCtx, l.group.node(l.name))
		cancel()
		if err != nil && !apierrors.IsAlreadyExists(err) {
			p.deps.Log.Error("a node could not be created", "group", l.group.Name, "node", l.name, "error", err)
		}
		p.settle(l.name, err)
	}
	return next, waiting
}

// pending are the launches that are to become nodes.
func (p *Provider) pending() []launch {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []launch
	for _, l := range p.launches {
		if !l.created && l.failed == "" && l.group.LaunchFailure != group.LaunchNever && l.group.LaunchFailure != group.LaunchUnregistered {
			out = append(out, l)
		}
	}
	return out
}

// settle notes what came of a launch.
func (p *Provider) settle(name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.launches {
		switch l := &p.launches[i]; {
		case l.name != name:
		case err == nil || apierrors.IsAlreadyExists(err):
			l.created = true
		default:
			l.failed = err.Error()
		}
	}
}
