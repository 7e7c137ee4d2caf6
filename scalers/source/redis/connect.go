package redis

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// connections bounds the connections of one client. Each trigger needs only two commands for each poll.
	connections = 4
	// keptClients is how many idle clients keep their connections. For further servers, each poll opens a connection.
	keptClients = 50
	// bufferSize is enough for any reply, since replies are small.
	bufferSize = 4 << 10
)

// client is a new one for l; it connects when it is used.
func (l *list) client(context.Context) (*redis.Client, error) {
	e, timeout := l.endpoint, l.source.env.Timeout
	dial := l.source.dialer(nil)
	if e.encrypted {
		host, _, _ := net.SplitHostPort(e.address)
		config, err := e.tls.Config(host)
		if err != nil {
			return nil, err
		}
		dial = l.source.dialer(config)
	}
	return redis.NewClient(&redis.Options{
		Network: "tcp", Addr: e.address, Dialer: dial, Username: e.username, Password: e.password, DB: e.database,
		Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, ContextTimeoutEnabled: true,
		PoolSize: connections, PoolTimeout: timeout, ReadBufferSize: bufferSize, WriteBufferSize: bufferSize,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}), nil
}

// dialer connects if the policy allows it, and guards the replies.
func (s *Source) dialer(config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := s.env.Policy.Dialer(s.env.Timeout)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if config == nil {
			return guarded(conn), nil
		}
		ctx, cancel := context.WithTimeout(ctx, s.env.Timeout)
		defer cancel()
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return guarded(secured), nil
	}
}
