package kwok

import (
	"cmp"
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

	"github.com/trimtab/trimtab/clusterscaler/fleet"
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

// Provider is a driver and the cloud behind it: what it keeps is what a cloud knows of its machines. It is safe for concurrent use.
type Provider struct {
	deps  Deps
	pools []*pool

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
	pool *pool
	name string
	due  time.Time
	// created says that the API server has the node, though the cache may not.
	created bool
	// failed is why there will be no node; nil as long as there may be.
	failed *fleet.Failure
}

// New makes a Provider of the groups that are configured.
func New(cfg Config, deps Deps) *Provider {
	p := &Provider{deps: deps, deleted: map[string]time.Time{}, changed: make(chan struct{}, 1)}
	for i := range cfg.Groups {
		p.pools = append(p.pools, poolOf(&cfg.Groups[i]))
	}
	return p
}

// Observe returns the groups as they stand. Their instances are the nodes with their label, but for those that the API server is
// deleting, and what was launched and is no node.
func (p *Provider) Observe(_ context.Context, nodes []*corev1.Node) ([]fleet.Group, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := make(map[string]bool, len(nodes))
	size, instances := map[string]int{}, map[string][]fleet.Instance{}
	for _, n := range nodes {
		seen[n.Name] = true
		name := n.Labels[GroupLabel]
		if p.find(name) == nil || n.DeletionTimestamp != nil {
			continue
		}
		instances[name] = append(instances[name], fleet.Instance{ID: cmp.Or(n.Spec.ProviderID, n.Name), State: fleet.Running})
		at, was := p.deleted[n.Name]
		if was && (n.CreationTimestamp.After(at) || p.deps.Now().Sub(at) >= p.deps.MaxNodeDeletionTime) {
			delete(p.deleted, n.Name)
			was = false
		}
		if !was {
			size[name]++
		}
	}
	p.launches = slices.DeleteFunc(p.launches, func(l launch) bool { return l.created && seen[l.name] })
	maps.DeleteFunc(p.deleted, func(name string, _ time.Time) bool { return !seen[name] })
	p.standing = maps.Clone(size)
	for _, l := range p.launches {
		name := l.pool.name
		size[name]++
		switch {
		case l.failed != nil:
			instances[name] = append(instances[name], fleet.Instance{ID: l.name, State: fleet.Creating, Failure: l.failed})
		case p.unregistered(l):
			instances[name] = append(instances[name], fleet.Instance{ID: l.name, State: fleet.Running})
		}
	}
	out := make([]fleet.Group, len(p.pools))
	for i, of := range p.pools {
		out[i] = fleet.Group{
			Name: of.name, Min: of.Description.Min, Max: of.Description.Max, Target: new(size[of.name]),
			Instances: append([]fleet.Instance{}, instances[of.name]...), Template: &of.template, Price: of.Price, Options: of.Description.Options,
		}
	}
	return out, nil
}

// SetTarget requests more nodes for a group, or drops launches: the last of those that have no node yet, then those whose node was
// made and has never been seen: it has gone before anybody looked.
func (p *Provider) SetTarget(_ context.Context, r fleet.Resize) (moved int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.find(r.Group)
	switch {
	case of == nil:
		return 0, fmt.Errorf("group %s is not configured", r.Group)
	case r.To < r.From:
		return p.drop(r)
	case r.To > of.Description.Max:
		return 0, fmt.Errorf("group %s: %d nodes are more than its maximum of %d", r.Group, r.To, of.Description.Max)
	}
	due := p.deps.Now().Add(of.LaunchDelay.Std())
	for range r.To - r.From {
		l := launch{pool: of, name: of.name + "-" + p.deps.Suffix(), due: due}
		if of.Available != nil && p.standing[of.name]+p.launching(of) >= *of.Available {
			l.failed = &fleet.Failure{Class: fleet.Capacity, Message: fmt.Sprintf("out of capacity: there can be %d nodes", *of.Available)}
		}
		p.launches = append(p.launches, l)
	}
	select {
	case p.changed <- struct{}{}:
	default: // Run has not yet looked since the last
	}
	return r.To - r.From, nil
}

// unregistered is whether the launch has become an instance that will be no node.
func (p *Provider) unregistered(l launch) bool {
	return l.pool.LaunchFailure == LaunchUnregistered && l.failed == nil && !p.deps.Now().Before(l.due)
}

// launching is how many launches of the group have not failed and not been seen as nodes.
func (p *Provider) launching(of *pool) int {
	n := 0
	for _, l := range p.launches {
		if l.pool == of && l.failed == nil {
			n++
		}
	}
	return n
}

// drop forgets launches of which no instance is told.
func (p *Provider) drop(r fleet.Resize) (dropped int, err error) {
	by := r.From - r.To
	for _, droppable := range []func(launch) bool{
		func(l launch) bool { return l.failed == nil && !l.created && !p.unregistered(l) },
		func(l launch) bool { return l.created },
	} {
		for i := len(p.launches) - 1; i >= 0 && dropped < by; i-- {
			if l := p.launches[i]; l.pool.name == r.Group && droppable(l) {
				p.launches = slices.Delete(p.launches, i, i+1)
				dropped++
			}
		}
	}
	if dropped < by {
		return dropped, fmt.Errorf("group %s: %d of the nodes to give up stand", r.Group, by-dropped)
	}
	return dropped, nil
}

// Terminate deletes nodes of a group, or ends instances that are none. Those that are gone already are no error.
func (p *Provider) Terminate(ctx context.Context, t fleet.Termination) (accepted []fleet.Victim, err error) {
	refused := fleet.Refusals{}
	for _, v := range t.Victims {
		if p.end(v.ID) {
			accepted = append(accepted, v)
			continue
		}
		if v.Node == "" {
			continue
		}
		node := &corev1.Node{}
		node.Name = v.Node
		if err := p.deps.Client.Delete(ctx, node); client.IgnoreNotFound(err) != nil {
			refused[v.ID] = fmt.Errorf("group %s: delete node %s: %w", t.Group, v.Node, err)
			continue
		}
		accepted = append(accepted, v)
		p.mu.Lock()
		p.deleted[v.Node] = p.deps.Now()
		p.mu.Unlock()
	}
	if len(refused) > 0 {
		return accepted, refused
	}
	return accepted, nil
}

// end forgets an instance that has failed or not registered, if it is one.
func (p *Provider) end(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.launches, func(l launch) bool { return l.name == id && (l.failed != nil || p.unregistered(l)) })
	if i < 0 {
		return false
	}
	p.launches = slices.Delete(p.launches, i, i+1)
	return true
}

// find is the group of that name, or nil.
func (p *Provider) find(name string) *pool {
	if i := slices.IndexFunc(p.pools, func(of *pool) bool { return of.name == name }); i >= 0 {
		return p.pools[i]
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
		err := p.deps.Client.Create(createCtx, l.pool.node(l.name))
		cancel()
		if err != nil && !apierrors.IsAlreadyExists(err) {
			p.deps.Log.Error("a node could not be created", "group", l.pool.name, "node", l.name, "error", err)
		}
		p.noteLaunch(l.name, err)
	}
	return next, waiting
}

// pending are the launches that are to become nodes.
func (p *Provider) pending() []launch {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []launch
	for _, l := range p.launches {
		if !l.created && l.failed == nil && l.pool.LaunchFailure != LaunchNever && l.pool.LaunchFailure != LaunchUnregistered {
			out = append(out, l)
		}
	}
	return out
}

// noteLaunch notes what came of a launch.
func (p *Provider) noteLaunch(name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.launches {
		switch l := &p.launches[i]; {
		case l.name != name:
		case err == nil || apierrors.IsAlreadyExists(err):
			l.created = true
		default:
			l.failed = &fleet.Failure{Message: err.Error()}
		}
	}
}
