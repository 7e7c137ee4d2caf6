package serve

import (
	"net"
	"sync"
	"sync/atomic"
)

// Limit is l with at most so many open connections. At the limit a new connection replaces another one: of the client
// address with the most connections, the one that was silent for the longest time. So new connections are always
// accepted, and a client with many connections loses its own.
func Limit(l net.Listener, most int) net.Listener {
	return &limited{Listener: l, most: most, open: map[*conn]bool{}, held: map[string]int{}}
}

type limited struct {
	net.Listener
	most int
	// reads counts the reads on all connections. It is the clock for silence.
	reads atomic.Int64

	mu   sync.Mutex
	open map[*conn]bool
	// held is the number of connections of each client address.
	held map[string]int
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, owner: l, client: clientOf(inner.RemoteAddr().String())}
	c.heard.Store(l.reads.Add(1))
	if last := l.add(c); last != nil {
		_ = last.Close()
	}
	return c, nil
}

// add adds a connection, and returns the one to close instead; nil for none.
func (l *limited) add(c *conn) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last *conn
	if len(l.open) >= l.most {
		for one := range l.open {
			if last == nil || l.held[one.client] > l.held[last.client] ||
				l.held[one.client] == l.held[last.client] && one.heard.Load() < last.heard.Load() {
				last = one
			}
		}
		l.remove(last)
	}
	l.open[c] = true
	l.held[c.client]++
	return last
}

// remove is called with mu held.
func (l *limited) remove(c *conn) {
	if !l.open[c] {
		return
	}
	delete(l.open, c)
	if l.held[c.client]--; l.held[c.client] == 0 {
		delete(l.held, c.client)
	}
}

// conn is a counted connection.
type conn struct {
	net.Conn
	owner  *limited
	client string
	// heard is the value of reads when data last arrived.
	heard atomic.Int64
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard.Store(c.owner.reads.Add(1))
	}
	return n, err
}

func (c *conn) Close() error {
	c.owner.mu.Lock()
	c.owner.remove(c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// clientOf is the address of a client without its port.
func clientOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
