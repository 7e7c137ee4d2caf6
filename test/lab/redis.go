package lab

import (
	"context"
	"crypto/rand"
	"net"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/test/programs"
)

// Redis is a real redis-server.
type Redis struct {
	Address string
	// Password of the user "default"; nothing is answered without it.
	Password string
	Process  *Process
}

// StartRedis starts the machine's redis-server, or the one that package programs unpacks.
func (l *Lab) StartRedis(ctx context.Context) (*Redis, error) {
	found, err := programs.FindRedis(ctx, l.out)
	if err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	p, err := l.run("redis", found.Env, found.Path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1",
		"--requirepass", password, "--save", "", "--appendonly", "no", "--dir", l.Dir)
	if err != nil {
		return nil, err
	}
	r := &Redis{Address: address(port), Password: password, Process: p}
	return r, p.until(ctx, func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", r.Address)
		if err == nil {
			conn.Close()
		}
		return err
	})
}
