package redis

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// maxReply bounds the reply to one command: the bytes that arrive, and the length that it announces. The longest reply,
// to HELLO, has a few hundred bytes.
const maxReply = 64 << 10

var (
	errReplyTooLarge = fmt.Errorf("the reply is larger than %d bytes", maxReply)
	errForeign       = errors.New("what the server sends is not of Redis's protocol (RESP2)")
)

// guard is a connection that ends if a reply is too large or is not RESP2. The client library would allocate memory for
// any announced length. guard checks a length before its bytes arrive.
type guard struct {
	net.Conn
	// left is how many bytes the reply may still have.
	left int
	// bulk is how many bytes of a string are still to come. If it is 0, kind is the kind of the current line, or 0
	// between lines.
	bulk int
	kind byte
	// size is the announced length.
	size int
	// nothing says that the line announces -1, which means no value.
	nothing bool
	failed  error
}

// guarded wraps a connection. If the connection shows its socket, so does the guard: the library checks the socket for
// a connection that the server has closed.
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

// Write starts a command, and with it a new reply.
func (g *guard) Write(p []byte) (int, error) {
	g.left = maxReply
	return g.Conn.Write(p)
}

// Read returns only checked bytes.
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

// step reads one byte of a line.
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

// announce handles the end of a line. Each element of an array needs at least four further bytes.
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
