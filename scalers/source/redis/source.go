package redis

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// connections is the size of a pool: two commands for each trigger and poll need few.
const connections = 4

// Source opens triggers and shares their connections. It is safe for concurrent use.
type Source struct {
	timeout time.Duration

	mu sync.Mutex
	// pools are counted by their users; one without users is closed.
	pools map[endpoint]*shared
}

type shared struct {
	client *redis.Client
	users  int
}

// New makes a source whose reads take at most timeout, the dial included. It silences the client
// library's own log, of which there is one a process: every failure is in the error of a Read.
func New(timeout time.Duration) *Source {
	redis.SetLogger(&logging.VoidLogger{})
	return &Source{timeout: timeout, pools: map[endpoint]*shared{}}
}

// Open checks d; it does not connect.
func (s *Source) Open(d trigger.Definition) (trigger.Opened, error) {
	l, err := parse(d)
	if err != nil {
		return trigger.Opened{}, err
	}
	client, release, err := s.acquire(l.endpoint)
	if err != nil {
		return trigger.Opened{}, fmt.Errorf("%s: %w", d, err)
	}
	return trigger.Opened{
		Metric: "redis-" + l.name, Target: l.target, Activation: l.activation,
		Timeout: s.timeout, Close: release,
		Read: func(ctx context.Context, _ time.Time) (trigger.Sample, error) {
			n, err := length(ctx, client, l.name)
			if err != nil {
				return trigger.Sample{}, fmt.Errorf("redis at %s, key %s: %w", l.server, text.Quote(l.name), err)
			}
			return trigger.Sample{Value: float64(n)}, nil
		},
	}, nil
}

// length counts what stands under key. Between the two commands the key may come or go, which is
// harmless: a missing key counts 0 in all of them.
func length(ctx context.Context, c *redis.Client, key string) (int64, error) {
	kind, err := c.Type(ctx, key).Result()
	if err != nil {
		return 0, err
	}
	switch kind {
	case "list", "none":
		return c.LLen(ctx, key).Result()
	case "set":
		return c.SCard(ctx, key).Result()
	case "zset":
		return c.ZCard(ctx, key).Result()
	case "hash":
		return c.HLen(ctx, key).Result()
	default:
		return 0, fmt.Errorf("holds a %s; a list, set, sorted set or hash is expected", kind)
	}
}

// acquire returns a pool of connections to e and what gives it back.
func (s *Source) acquire(e endpoint) (*redis.Client, func(), error) {
	tlsConfig, err := e.tlsConfig()
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.pools[e]
	if entry == nil {
		entry = &shared{client: redis.NewClient(&redis.Options{
			Addr: e.address, Username: e.username, Password: e.password, DB: e.database, TLSConfig: tlsConfig,
			Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1,
			DialTimeout: s.timeout, ReadTimeout: s.timeout, WriteTimeout: s.timeout, ContextTimeoutEnabled: true,
			PoolSize: connections, PoolTimeout: s.timeout,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})}
		s.pools[e] = entry
	}
	entry.users++
	return entry.client, func() { s.release(e) }, nil
}

func (s *Source) release(e endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.pools[e]
	if entry.users--; entry.users == 0 {
		delete(s.pools, e)
		_ = entry.client.Close() // closing sockets: nobody can mend an error of it
	}
}
