package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// Source reads triggers, and shares their connections. It is safe for concurrent use.
type Source struct {
	env     trigger.Env
	clients trigger.Pool[endpoint, *redis.Client]
}

// New makes a source. It disables the client library's own log, which is one for the whole process: every failure is in
// the error of a Read.
func New(env trigger.Env) *Source {
	redis.SetLogger(&logging.VoidLogger{})
	s := &Source{env: env}
	s.clients.Idle = keptClients
	s.clients.Close = func(c *redis.Client) { _ = c.Close() } // an error of closing a socket helps nobody
	return s
}

// Open implements trigger.Spec.
func (l *list) Open(d trigger.Definition) trigger.Opened {
	lease := l.source.clients.Lease(l.endpoint, l.client)
	return trigger.Opened{
		Close: lease.Close,
		Read: func(ctx context.Context, _ time.Time) (trigger.Sample, error) {
			client, done, err := lease.Use(ctx)
			if err != nil {
				return trigger.Sample{}, err
			}
			defer done()
			n, err := length(ctx, client, l.name)
			if err != nil {
				l.source.env.Debug(ctx, d, err)
				return trigger.Sample{}, fmt.Errorf("redis at %s, key %s: %w", l.server, text.Quote(l.name), reason(err))
			}
			return trigger.Sample{Value: float64(n)}, nil
		},
	}
}

// length returns the number of elements under key. Between its two commands the key may be created or deleted. That is
// harmless: a missing key counts 0 in each command.
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
	case "string", "stream", "vectorset":
		return 0, fmt.Errorf("holds a %s; %w", kind, errOtherKind)
	default:
		return 0, fmt.Errorf("holds something else; %w", errOtherKind)
	}
}
