package redis

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/trimtab/trimtab/internal/fetch"
)

const (
	// connections is the size of a pool: two commands for each trigger and poll need few.
	connections = 4
	// keptPools is how many pools keep their connections while nobody reads by them. To further servers a
	// connection is made for each poll.
	keptPools = 50
	// bufferSize holds any reply, which is small.
	bufferSize = 4 << 10
)

// pools are the connections of all triggers.
type pools struct {
	timeout time.Duration
	policy  *fetch.Policy

	mu    sync.Mutex
	pools map[endpoint]*pool
	// kept are the pools that are open and by which nobody reads, the one that has rested longest first.
	kept []*pool
}

// pool is the connections to one endpoint. It is opened by the first read, and closed when its last user leaves, or
// when others were read by since.
type pool struct {
	endpoint endpoint
	tls      *tls.Config
	// users have the pool open; readers read by it now.
	users, readers int
	// client is nil while the pool is closed.
	client *redis.Client
}

// acquire adds a user of the connections to e.
func (s *pools) acquire(e endpoint) (*pool, error) {
	config, err := e.tlsConfig()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pools[e]
	if p == nil {
		p = &pool{endpoint: e, tls: config}
		s.pools[e] = p
	}
	p.users++
	return p, nil
}

// release takes a user away.
func (s *pools) release(p *pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.users--; p.users == 0 {
		delete(s.pools, p.endpoint)
		s.wake(p)
		p.close()
	}
}

// enter opens a pool for one read; leave follows where there is no error.
func (s *pools) enter(p *pool) (*redis.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.users == 0 {
		return nil, redis.ErrClosed
	}
	if p.client == nil {
		p.client = s.open(p)
	}
	s.wake(p)
	p.readers++
	return p.client, nil
}

func (s *pools) leave(p *pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.readers--; p.readers > 0 || p.client == nil { // the last user may have left meanwhile
		return
	}
	if s.kept = append(s.kept, p); len(s.kept) > keptPools {
		s.kept[0].close()
		s.kept = slices.Delete(s.kept, 0, 1)
	}
}

// wake takes a pool out of the idle ones.
func (s *pools) wake(p *pool) {
	s.kept = slices.DeleteFunc(s.kept, func(other *pool) bool { return other == p })
}

func (p *pool) close() {
	if p.client != nil {
		_ = p.client.Close() // closing sockets: nobody can mend an error of it
		p.client = nil
	}
}

func (s *pools) open(p *pool) *redis.Client {
	return redis.NewClient(&redis.Options{
		Network: "tcp", Addr: p.endpoint.address, Dialer: s.dialer(p.tls),
		Username: p.endpoint.username, Password: p.endpoint.password, DB: p.endpoint.database,
		Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: s.timeout, ReadTimeout: s.timeout, WriteTimeout: s.timeout, ContextTimeoutEnabled: true,
		PoolSize: connections, PoolTimeout: s.timeout, ReadBufferSize: bufferSize, WriteBufferSize: bufferSize,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// dialer connects where the policy leads, and guards what comes back.
func (s *pools) dialer(config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := s.policy.Dialer(s.timeout)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil || config == nil {
			return guardedOr(conn, err)
		}
		ctx, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return guarded(secured), nil
	}
}

func guardedOr(conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return guarded(conn), nil
}
