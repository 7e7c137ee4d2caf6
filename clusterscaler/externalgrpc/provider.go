package externalgrpc

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/wanted"
)

// Deps are what a Provider works with.
type Deps struct {
	Log *slog.Logger
	Now func() time.Time
	// MayWrite, if it is not nil, says why nothing may be changed at the moment; it is asked immediately before each such call.
	MayWrite func() error
	// Defaults are the program's own settings, all of them, which servers are told.
	Defaults group.Options
	// MaxNodeDeletionTime is for how long a node may stand that the server has accepted to delete, before it counts again.
	MaxNodeDeletionTime time.Duration
	// Prices says that the price of a node is of use.
	Prices bool
}

// Provider speaks to one server. It is safe for concurrent use.
type Provider struct {
	cfg    Config
	deps   Deps
	conn   *grpc.ClientConn
	client protocol.CloudProviderClient

	// turn lets one observation be made at a time, since servers expect that of cluster-autoscaler. What follows belongs
	// to the one whose turn it is.
	turn      chan struct{}
	refreshed time.Time
	members   map[string]*member
	details   map[string]*details
	// failure is why the last observation failed, if that was the server's doing, and failed when.
	failure error
	failed  time.Time

	mu   sync.Mutex
	last observation
	// resizing lets one request be made at a time that changes the size of a group, from the look at the size on.
	resizing map[string]chan struct{}
	// silences are of groups about which reads hang, pauses how long they are not made.
	silences map[string]silence
	pauses   wanted.Pauses
	// said is the trouble that was logged, by its subject.
	said map[string]string
	// promises has by group what the server accepted and does not tell yet, gone the nodes that it has deleted.
	promises map[string]promise
	gone     map[string]gone
}

// observation is what the server said the last time. It is never changed.
type observation struct {
	groups map[string]*observed
	// nodes are those with a group, as the server was told of them.
	nodes map[string]*member
}

// New makes a Provider. No call is made yet, but certificates that cannot be read are an error.
func New(cfg Config, deps Deps) (*Provider, error) {
	cfg, err := cfg.Load()
	if err != nil {
		return nil, fmt.Errorf("externalGrpc: %w", err)
	}
	conn, err := connect(cfg, deps.MayWrite)
	if err != nil {
		return nil, fmt.Errorf("externalGrpc: %w", err)
	}
	if cfg.plain() {
		deps.Log.Warn("the connection to the external gRPC server is NOT encrypted and nobody proves who he is: whoever can "+
			"reach the server can make and delete nodes; set externalGrpc.cacert, cert and key", "server", cfg.Address)
	}
	return &Provider{
		cfg: cfg, deps: deps, conn: conn, client: protocol.NewCloudProviderClient(conn),
		turn: make(chan struct{}, 1), resizing: map[string]chan struct{}{}, silences: map[string]silence{}, pauses: wanted.Pauses{Min: minSilence, Max: maxSilence}, members: map[string]*member{}, details: map[string]*details{},
		said: map[string]string{}, promises: map[string]promise{}, gone: map[string]gone{},
	}, nil
}

// Groups returns the groups as the server knows them now, and the group of each of the nodes that has one. A group
// about which the server says nothing sound has a Trouble.
func (p *Provider) Groups(ctx context.Context, nodes []*corev1.Node) ([]plan.Group, map[string]string, error) {
	done, err := take(ctx, p.turn)
	if err != nil {
		return nil, nil, fmt.Errorf("server %s: another observation takes too long: %w", p.cfg.Address, err)
	}
	defer done()
	if err := p.resting(); err != nil {
		return nil, nil, err
	}
	groups, member, err := p.observe(ctx, nodes)
	p.noteFailure(ctx, err)
	return groups, member, err
}

// observe makes an observation.
func (p *Provider) observe(ctx context.Context, nodes []*corev1.Node) ([]plan.Group, map[string]string, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, nil, err
	}
	groups, err := p.list(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := p.inspect(ctx, groups); err != nil {
		return nil, nil, err
	}
	troubles := map[string]string{}
	member, err := p.assign(ctx, nodes, groups, troubles)
	if err != nil {
		return nil, nil, err
	}
	p.dropGone(groups, nodes, member)
	p.match(groups, nodes, member)
	p.countComing(groups, member)
	out := p.planned(groups, nodes, member, troubles)
	p.remember(groups, member)
	p.say(troubles)
	return out, member, nil
}

// refreshPause is below the time between two loops. Servers take Refresh for the beginning of one and look at the whole
// cloud; nodes that are judged one after another, and pods that come so, must not make them do that each time.
const refreshPause = 5 * time.Second

// refresh lets the server make current what it remembers, unless it has just done so.
func (p *Provider) refresh(ctx context.Context) error {
	now := p.deps.Now()
	if age := now.Sub(p.refreshed); age >= 0 && age < refreshPause {
		return nil
	}
	_, err := call(ctx, p, "Refresh", subject{}, p.client.Refresh, &protocol.RefreshRequest{})
	if err == nil {
		p.refreshed = now
	}
	return err
}

// take waits for its turn no longer than ctx lasts.
func take(ctx context.Context, turn chan struct{}) (done func(), err error) {
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// remember keeps the observation for the calls until the next one.
func (p *Provider) remember(groups []*observed, groupOf map[string]string) {
	next := observation{groups: make(map[string]*observed, len(groups)), nodes: make(map[string]*member, len(groupOf))}
	for _, g := range groups {
		if g.usable() {
			next.groups[g.id] = g
		}
	}
	for name := range groupOf {
		next.nodes[name] = p.members[name]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = next
	gone := func(id string) bool { return next.groups[id] == nil }
	maps.DeleteFunc(p.resizing, func(id string, turn chan struct{}) bool { return gone(id) && len(turn) == 0 })
	for id := range p.silences {
		if gone(id) {
			delete(p.silences, id)
			p.pauses.Succeeded(id)
		}
	}
}

// takeGroup is the turn of a request that changes the size of the group. A group that hangs holds no other up.
func (p *Provider) takeGroup(ctx context.Context, id string) (done func(), err error) {
	p.mu.Lock()
	turn, known := p.resizing[id]
	if !known {
		turn = make(chan struct{}, 1)
		p.resizing[id] = turn
	}
	p.mu.Unlock()
	done, err = take(ctx, turn)
	if err != nil {
		return nil, fmt.Errorf("group %s: another request takes too long: %w", printable(id), err)
	}
	return done, nil
}

// observation is the last one.
func (p *Provider) observation() observation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// say logs what is wrong when that changes, and that it has ended.
func (p *Provider) say(troubles map[string]string) {
	p.mu.Lock()
	before := p.said
	p.said = troubles
	p.mu.Unlock()
	for _, about := range slices.Sorted(maps.Keys(troubles)) {
		if text := troubles[about]; before[about] != text {
			p.deps.Log.Warn("the external gRPC server is in trouble with "+about, "server", p.cfg.Address, "error", text)
		}
	}
	for about := range before {
		if troubles[about] == "" {
			p.deps.Log.Info("the external gRPC server is no longer in trouble with "+about, "server", p.cfg.Address)
		}
	}
}

// Increase makes a group of size from grow by so many nodes. When the server has grown it meanwhile, only what is
// missing is asked for. The call is made once: whether it took effect in spite of an error is seen in the next size.
func (p *Provider) Increase(ctx context.Context, group string, from, by int) error {
	g, known := p.observation().groups[group]
	switch {
	case !known:
		return fmt.Errorf("server %s has no group %s", p.cfg.Address, printable(group))
	case by < 1:
		return fmt.Errorf("group %s: %d nodes are no growth", printable(group), by)
	case from+by > g.max:
		return fmt.Errorf("group %s: %d nodes are more than its maximum of %d", printable(group), from+by, g.max)
	}
	done, err := p.takeGroup(ctx, group)
	if err != nil {
		return err
	}
	defer done()
	size, err := p.size(ctx, group)
	if err != nil {
		return err
	}
	delta := min(by, from+by-size)
	if delta <= 0 {
		p.deps.Log.Info("a group has grown meanwhile", "group", group, "size", size, "wanted", from+by)
		return nil
	}
	_, err = call(ctx, p, "NodeGroupIncreaseSize", subject{group: group}, p.client.NodeGroupIncreaseSize,
		&protocol.NodeGroupIncreaseSizeRequest{Id: group, Delta: int32(delta)})
	if err == nil {
		p.promised(group, size+delta, delta)
	}
	return err
}

// Delete removes nodes of a group, or instances that have none, all in one call that is made once. They must have been of
// that group when it was last observed. The size is read anew: nodes were judged a while ago, and must leave the group its
// minimum.
func (p *Provider) Delete(ctx context.Context, group string, nodes []string) error {
	last := p.observation()
	if g := last.groups[group]; g != nil && len(nodes) > 0 && slices.Contains(g.unregistered, nodes[0]) {
		for _, id := range nodes {
			if !slices.Contains(g.unregistered, id) {
				return fmt.Errorf("group %s: %s is no instance without a node", printable(group), printable(id))
			}
		}
		return p.deleteUnregistered(ctx, g, nodes)
	}
	var members []*member
	request := &protocol.NodeGroupDeleteNodesRequest{Id: group}
	for _, name := range nodes {
		m, known := last.nodes[name]
		switch {
		case !known:
			return fmt.Errorf("group %s: node %s is not known to be of any group", printable(group), printable(name))
		case m.group != group:
			return fmt.Errorf("group %s: node %s is of group %s", printable(group), printable(name), printable(m.group))
		}
		request.Nodes, members = append(request.Nodes, m.node), append(members, m)
	}
	if len(nodes) == 0 {
		return nil
	}
	about := subject{group: group}
	if len(nodes) == 1 {
		about.node = nodes[0]
	}
	size, err := p.size(ctx, group)
	if err != nil {
		return err
	}
	if least := last.groups[group].min; size-len(nodes) < least {
		return fmt.Errorf("group %s: its size is %d by now; without %d of them it would be below its minimum of %d", printable(group), size, len(nodes), least)
	}
	if _, err := call(ctx, p, "NodeGroupDeleteNodes", about, p.client.NodeGroupDeleteNodes, request); err != nil {
		return err
	}
	p.deleted(group, members)
	return nil
}

// Run waits for the end, tells the server of it and closes the connection.
func (p *Provider) Run(ctx context.Context) error {
	<-ctx.Done()
	_, err := call(context.WithoutCancel(ctx), p, "Cleanup", subject{}, p.client.Cleanup, &protocol.CleanupRequest{})
	if err != nil && !unimplemented(err) {
		p.deps.Log.Warn("the external gRPC server was not told of the end", "error", err)
	}
	if err := p.conn.Close(); err != nil && status.Code(err) != codes.Canceled { // closed already
		p.deps.Log.Warn("the connection to the external gRPC server was not closed", "error", err)
	}
	return nil
}
