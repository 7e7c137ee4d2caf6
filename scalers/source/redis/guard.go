package redis

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// maxReply bounds the reply to one command: what arrives of it, and what it announces. The longest that is asked
// for, HELLO's, has a few hundred bytes.
const maxReply = 64 << 10

var (
	errReplyTooLarge = fmt.Errorf("the reply is larger than %d bytes", maxReply)
	errForeign       = errors.New("what the server sends is not of Redis's protocol (RESP2)")
)

// guard is a connection that ends where a reply is too large or is not of RESP2. The client library believes each
// length that is announced, and would allocate it; here a length counts before its bytes come.
type guard struct {
	net.Conn
	// left is what the reply may still have.
	left int
	// bulk is how many bytes of a string are to come; else kind is that of the line at hand, 0 between lines.
	bulk int
	kind byte
	// size is the length that the line announces.
	size int
	// nothing says that the line announces -1, which is none.
	nothing bool
	failed  error
}

// guarded wraps a connection. One that shows its socket goes on to do so: the library looks at it for a connection
// that the server has closed.
func guarded(conn net.Conn) net.Conn {
	g := &guard{Conn: conn, left: maxReply}
	if socket, ok := conn.(syscall.Conn); ok {
		return &guardedSocket{g, socket}
	}
	return g
}

type guardedSocket struct {
	*guard
	syscall.Conn
}

// Write begins a command, and so a new reply.
func (g *guard) Write(p []byte) (int, error) {
	g.left = maxReply
	return g.Conn.Write(p)
}

// Read hands on only what was checked.
func (g *guard) Read(p []byte) (int, error) {
	if g.failed != nil {
		return 0, g.failed
	}
	n, err := g.Conn.Read(p)
	if g.failed = g.check(p[:n]); g.failed != nil {
		return 0, g.failed
	}
	return n, err
}

func (g *guard) check(p []byte) error {
	if g.left -= len(p); g.left < 0 {
		return errReplyTooLarge
	}
	for len(p) > 0 {
		if g.bulk > 0 {
			n := min(g.bulk, len(p))
			g.bulk, p = g.bulk-n, p[n:]
			continue
		}
		if err := g.step(p[0]); err != nil {
			return err
		}
		p = p[1:]
	}
	return nil
}

// step takes one byte of a line.
func (g *guard) step(c byte) error {
	switch {
	case g.kind == 0:
		g.kind, g.size, g.nothing = c, 0, false
		switch c {
		case '+', '-', ':', '$', '*':
			return nil
		}
		return errForeign
	case c == '\n':
		return g.announce()
	case g.kind != '$' && g.kind != '*', c == '\r':
		return nil
	case c == '-' && g.size == 0 && !g.nothing:
		g.nothing = true
		return nil
	case c < '0' || '9' < c:
		return errForeign
	}
	if g.size = g.size*10 + int(c-'0'); g.size > maxReply {
		return errReplyTooLarge
	}
	return nil
}

// announce takes the end of a line. Each element of an array costs at least four bytes that are still to come.
func (g *guard) announce() error {
	kind := g.kind
	g.kind = 0
	switch {
	case g.nothing && g.size != 1:
		return errForeign
	case g.nothing:
		return nil
	case kind == '$':
		g.bulk = g.size + len("\r\n")
	case kind == '*':
		if g.left -= 4 * g.size; g.left < 0 {
			return errReplyTooLarge
		}
	}
	return nil
}
