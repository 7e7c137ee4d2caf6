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
	// standing are the nodes of each group that were seen the last time.
	standing map[string][]machine
	// deleted are nodes that were deleted, or are about to be, and may still be seen, with when.
	deleted map[string]time.Time
	// changed wakes Run when there is a new launch.
	changed chan struct{}
}

// machine is a node, and what its instance is called.
type machine struct{ node, id string }

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
	p.standing = map[string][]machine{}
	for _, n := range nodes {
		seen[n.Name] = true
		name := n.Labels[GroupLabel]
		if p.find(name) == nil || n.DeletionTimestamp != nil {
			continue
		}
		p.standing[name] = append(p.standing[name], machine{n.Name, cmp.Or(n.Spec.ProviderID, n.Name)})
		at, was := p.deleted[n.Name]
		if was && (n.CreationTimestamp.After(at) || p.deps.Now().Sub(at) >= p.deps.MaxNodeDeletionTime) {
			delete(p.deleted, n.Name)
		}
	}
	p.launches = slices.DeleteFunc(p.launches, func(l launch) bool { return l.created && seen[l.name] })
	maps.DeleteFunc(p.deleted, func(name string, _ time.Time) bool { return !seen[name] })
	out := make([]fleet.Group, len(p.pools))
	for i, of := range p.pools {
		size, instances, _ := p.machines(of, fleet.Running)
		out[i] = fleet.Group{
			Name: of.name, Min: of.Description.Min, Max: of.Description.Max, Target: new(size),
			Instances: instances, Template: &of.template, Price: of.Price, Options: of.Description.Options,
		}
	}
	return out, nil
}

// machines are those of a group by now: its size, the instances that are told of it, and those of launches that are not yet told.
// A deleted node that may still be seen is told to be in the state going, and not counted.
func (p *Provider) machines(of *pool, going fleet.State) (size int, told, coming []fleet.Instance) {
	told = []fleet.Instance{}
	for _, m := range p.standing[of.name] {
		if _, deleted := p.deleted[m.node]; deleted {
			told = append(told, fleet.Instance{ID: m.id, State: going})
			continue
		}
		told = append(told, fleet.Instance{ID: m.id, State: fleet.Running})
		size++
	}
	for _, l := range p.launches {
		if l.pool != of {
			continue
		}
		size++
		switch {
		case l.failed != nil:
			told = append(told, fleet.Instance{ID: l.name, State: fleet.Creating, Failure: l.failed})
		case p.unregistered(l):
			told = append(told, fleet.Instance{ID: l.name, State: fleet.Running})
		default:
			coming = append(coming, fleet.Instance{ID: l.name, State: fleet.Creating})
		}
	}
	return size, told, coming
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
		return p.drop(of, r)
	case r.To > of.Description.Max:
		return 0, fmt.Errorf("group %s: %d nodes are more than its maximum of %d", r.Group, r.To, of.Description.Max)
	}
	size, told, _ := p.machines(of, fleet.Deleting)
	by := r.Grow(size)
	well := size
	for _, instance := range told {
		if instance.Failure != nil {
			well--
		}
	}
	due := p.deps.Now().Add(of.LaunchDelay.Std())
	for n := range by {
		l := launch{pool: of, name: of.name + "-" + p.deps.Suffix(), due: due}
		if of.Available != nil && well+n >= *of.Available {
			l.failed = &fleet.Failure{Class: fleet.Capacity, Message: fmt.Sprintf("out of capacity: there can be %d nodes", *of.Available)}
		}
		p.launches = append(p.launches, l)
	}
	select {
	case p.changed <- struct{}{}:
	default: // Run has not yet looked since the last
	}
	return by, nil
}

// unregistered is whether the launch has become an instance that will be no node.
func (p *Provider) unregistered(l launch) bool {
	return l.pool.LaunchFailure == LaunchUnregistered && l.failed == nil && !p.deps.Now().Before(l.due)
}

// drop forgets launches of which no instance is told.
func (p *Provider) drop(of *pool, r fleet.Resize) (dropped int, err error) {
	size, told, _ := p.machines(of, fleet.Deleting)
	by, left := r.Lower(size, told)
	for _, droppable := range []func(launch) bool{
		func(l launch) bool { return l.failed == nil && !l.created && !p.unregistered(l) },
		func(l launch) bool { return l.created },
	} {
		for i := len(p.launches) - 1; i >= 0 && dropped < by; i-- {
			if l := p.launches[i]; l.pool == of && droppable(l) {
				p.launches = slices.Delete(p.launches, i, i+1)
				dropped++
			}
		}
	}
	if left > 0 {
		return dropped, fmt.Errorf("group %s: %d of the nodes to give up stand", r.Group, left)
	}
	return dropped, nil
}

// Terminate deletes nodes of a group, or ends instances that are none. Those that are gone already are no error.
func (p *Provider) Terminate(ctx context.Context, t fleet.Termination) (accepted []fleet.Victim, err error) {
	accepted, nodes, err := p.end(t)
	if err != nil {
		return nil, err
	}
	refused := fleet.Refusals{}
	for _, v := range nodes {
		node := &corev1.Node{}
		node.Name = v.Node
		if err := p.deps.Client.Delete(ctx, node); client.IgnoreNotFound(err) != nil {
			refused[v.ID] = fmt.Errorf("group %s: delete node %s: %w", t.Group, v.Node, err)
			p.mu.Lock()
			delete(p.deleted, v.Node)
			p.mu.Unlock()
			continue
		}
		accepted = append(accepted, v)
	}
	if len(refused) > 0 {
		return accepted, refused
	}
	return accepted, nil
}

// end forgets instances that have failed or not registered. The nodes that are to be deleted count no more from now on, so that no
// other request takes the group below its floor meanwhile.
func (p *Provider) end(t fleet.Termination) (ended, nodes []fleet.Victim, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.find(t.Group)
	if of == nil {
		return nil, nil, fmt.Errorf("group %s is not configured", t.Group)
	}
	size, told, coming := p.machines(of, fleet.Deleting)
	victims, err := t.Check(size, append(told, coming...))
	if err != nil {
		return nil, nil, err
	}
	for _, v := range victims {
		i := slices.IndexFunc(p.launches, func(l launch) bool { return l.name == v.ID && (l.failed != nil || p.unregistered(l)) })
		switch {
		case i >= 0:
			p.launches = slices.Delete(p.launches, i, i+1)
			ended = append(ended, v)
		case v.Node != "":
			p.deleted[v.Node] = p.deps.Now()
			nodes = append(nodes, v)
		}
	}
	return ended, nodes, nil
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
