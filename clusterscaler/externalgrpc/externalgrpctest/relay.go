package externalgrpctest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Relay is an address that stays while the servers behind it come and go.
type Relay struct {
	// Address is host:port.
	Address string

	mu sync.Mutex
	// to is the server; while it is empty connections are cut at once.
	to          string
	connections map[net.Conn]bool
}

// NewRelay runs one without a server until the test ends.
func NewRelay(t testing.TB) *Relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{Address: listener.Addr().String(), connections: map[net.Conn]bool{}}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return // it is the end
			}
			tasks.Go(func() { r.relay(in) })
		}
	})
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		r.To("")
		tasks.Wait()
	})
	return r
}

// To cuts all connections, and leads the next ones to that server; to none when the address is empty.
func (r *Relay) To(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = address
	for c := range r.connections {
		_ = c.Close() // the other end may have closed it
	}
	clear(r.connections)
}

// relay copies both ways until one end closes.
func (r *Relay) relay(in net.Conn) {
	out := r.open(in)
	if out == nil {
		_ = in.Close()
		return
	}
	var tasks sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		tasks.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // however it ends, both are closed
			_ = in.Close()
			_ = out.Close()
		})
	}
	tasks.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.connections, in)
	delete(r.connections, out)
}

// open connects to the server, or is nil.
func (r *Relay) open(in net.Conn) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.to == "" {
		return nil
	}
	out, err := net.Dial("tcp", r.to)
	if err != nil {
		return nil
	}
	r.connections[in], r.connections[out] = true, true
	return out
}
