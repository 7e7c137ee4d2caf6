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
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
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
	// Prices says that the price of a node is of use.
	Prices bool
}

// Provider speaks to one server. It is safe for concurrent use.
type Provider struct {
	cfg    Config
	deps   Deps
	conn   *grpc.ClientConn
	client protocol.CloudProviderClient

	// What follows is what Observe has read, for its next call: answers that hold for a while, and why the server failed.
	refreshed time.Time
	members   map[string]*member
	details   map[string]*details
	// failure is why the last observation failed, if that was the server's doing, and failed when.
	failure error
	failed  time.Time

	mu sync.Mutex
	// nodes are those with a group, as the server was told of them the last time.
	nodes map[string]*member
	// changing lets one request be made at a time that changes a group, from the look at its size on.
	changing map[string]chan struct{}
	// silences are of groups about which reads hang, pauses how long they are not made.
	silences map[string]silence
	pauses   wanted.Pauses
	// said is the trouble that was logged, by its subject.
	said map[string]string
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
		changing: map[string]chan struct{}{}, silences: map[string]silence{}, pauses: wanted.Pauses{Min: minSilence, Max: maxSilence},
		members: map[string]*member{}, details: map[string]*details{}, said: map[string]string{},
	}, nil
}

// Observe returns the groups as the server knows them now. One about which the server says nothing sound has a Trouble, or is
// Unknown. It is not called twice at a time: servers expect that of cluster-autoscaler.
func (p *Provider) Observe(ctx context.Context, nodes []*corev1.Node) ([]fleet.Group, error) {
	if err := p.resting(); err != nil {
		return nil, err
	}
	groups, err := p.observe(ctx, nodes)
	p.noteFailure(ctx, err)
	return groups, err
}

// observe makes an observation.
func (p *Provider) observe(ctx context.Context, nodes []*corev1.Node) ([]fleet.Group, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	troubles := map[string]string{}
	groups, err := p.list(ctx, troubles)
	if err != nil {
		return nil, err
	}
	if err := p.inspect(ctx, groups, troubles); err != nil {
		return nil, err
	}
	if err := p.assign(ctx, nodes, groups, troubles); err != nil {
		return nil, err
	}
	p.remember(groups)
	p.say(troubles)
	return groups, nil
}

// refreshPause is below the time between two loops. Servers take Refresh for the beginning of one and look at the whole
// cloud; pods that come one after another must not make them do that each time.
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

// remember keeps what requests need until the next observation.
func (p *Provider) remember(groups []fleet.Group) {
	named, nodes := make(map[string]bool, len(groups)), map[string]*member{}
	for i := range groups {
		named[groups[i].Name] = true
		for _, name := range groups[i].Nodes {
			nodes[name] = p.members[name]
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nodes = nodes
	maps.DeleteFunc(p.changing, func(id string, turn chan struct{}) bool { return !named[id] && len(turn) == 0 })
	for id := range p.silences {
		if !named[id] {
			delete(p.silences, id)
			p.pauses.Succeeded(id)
		}
	}
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
