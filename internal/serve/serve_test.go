package serve

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// script is a listener that hands out connections of its own.
type script struct {
	net.Listener
	next chan net.Conn
}

func (s script) Accept() (net.Conn, error) { return <-s.next, nil }

// from is a connection of a client, and its other end.
type from struct {
	net.Conn
	client string
}

func (f from) RemoteAddr() net.Addr { return address(f.client) }

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

type world struct {
	t     *testing.T
	inner chan net.Conn
	l     net.Listener
	ends  []net.Conn
	conns []net.Conn
}

func newWorld(t *testing.T, most int) *world {
	w := &world{t: t, inner: make(chan net.Conn, 1)}
	w.l = Limit(script{next: w.inner}, most)
	return w
}

// connect is a new connection, by its number.
func (w *world) connect(client string) int {
	w.t.Helper()
	here, there := net.Pipe()
	w.inner <- from{here, client + ":1"}
	c, err := w.l.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	w.conns, w.ends = append(w.conns, c), append(w.ends, there)
	return len(w.conns) - 1
}

// say sends a byte on a connection, which is read.
func (w *world) say(n int) {
	w.t.Helper()
	var sent sync.WaitGroup
	sent.Go(func() { _, _ = w.ends[n].Write([]byte{1}) })
	if _, err := w.conns[n].Read(make([]byte, 1)); err != nil {
		w.t.Errorf("connection %d: %v", n, err)
	}
	sent.Wait()
}

// isOpen is whether the other end of a connection can still write.
func (w *world) isOpen(n int) bool {
	l := w.l.(*limited)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[w.conns[n].(*conn)]
}

func (w *world) check(open ...bool) {
	w.t.Helper()
	for n, want := range open {
		if w.isOpen(n) != want {
			w.t.Errorf("connection %d is open: %t", n, !want)
		}
	}
}

func TestANewConnectionTakesThePlaceOfTheSilentOne(t *testing.T) {
	w := newWorld(t, 3)
	for range 3 {
		w.connect("a")
	}
	w.say(0)
	w.connect("a")
	w.check(true, false, true, true)
	if _, err := w.ends[1].Write([]byte{1}); err == nil {
		t.Error("the connection that had to go was not closed")
	}
	_ = w.conns[0].Close()
	_ = w.conns[0].Close()
	w.connect("a")
	w.check(false, false, true, true, true)
}

// Who holds many connections loses his own, however busy they are; others keep theirs.
func TestWhoHoldsManyLosesHisOwn(t *testing.T) {
	w := newWorld(t, 4)
	kubelet := w.connect("10.0.0.1")
	for range 3 {
		w.connect("10.9.9.9")
	}
	for range 100 {
		n := w.connect("10.9.9.9")
		w.say(n)
	}
	prometheus := w.connect("10.0.0.2")
	if !w.isOpen(kubelet) || !w.isOpen(prometheus) {
		t.Error("a flood of one address has ended the connection of another")
	}
	if open := len(w.l.(*limited).open); open != 4 {
		t.Errorf("%d connections are open", open)
	}
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	release := make(chan struct{})
	var entered sync.WaitGroup
	h := InFlight(8, "server.maxRequests", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		entered.Done()
		<-release
	}))
	var all sync.WaitGroup
	ask := func(client string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = client + ":1234"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	hold := func(client string) {
		entered.Add(1)
		all.Go(func() { ask(client) })
		entered.Wait()
	}
	refused := func(client string) {
		t.Helper()
		if w := ask(client); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "server.maxRequests") {
			t.Errorf("%s: %d %v %s", client, w.Code, w.Header(), w.Body)
		}
	}
	hold("a")
	hold("a")
	refused("a") // a quarter is one address's share
	for _, client := range []string{"b", "b", "c", "c", "d", "d"} {
		hold(client)
	}
	refused("e")
	close(release)
	all.Wait()
	entered.Add(1)
	if w := ask("a"); w.Code != http.StatusOK {
		t.Errorf("after they ended: %d", w.Code)
	}
}

func TestAPageForThisMachineAlone(t *testing.T) {
	h := Local(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page") }))
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8081": 200, "127.0.0.1": 200, "127.0.0.1:1": 200, "127.9.9.9:80": 200, "[::1]": 200, "[::1]:8081": 200,
		"": 403, "evil.example": 403, "evil.example:8081": 403, "localhost.evil.example": 403, "10.0.0.1:8081": 403, "127.0.0.1.evil.example": 403, "0.0.0.0:8081": 403, "[::]:1": 403,
	} {
		r := httptest.NewRequest(http.MethodGet, "/debug/decisions", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
}
