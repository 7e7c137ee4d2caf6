package trigger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// conn is a client that knows when it is used wrongly.
type conn struct {
	key    string
	closed atomic.Bool
}

// conns is a pool, and what it opened.
type conns struct {
	*Pool[string, *conn]
	t      *testing.T
	mu     sync.Mutex
	opened []*conn
	fails  error
}

func newConns(t *testing.T, idle int) *conns {
	return &conns{t: t, Pool: &Pool[string, *conn]{Idle: idle, Close: func(c *conn) {
		if c.closed.Swap(true) {
			t.Errorf("%s is closed twice", c.key)
		}
	}}}
}

func (c *conns) lease(key string) *Lease[string, *conn] {
	return c.Lease(key, func(context.Context) (*conn, error) {
		if c.fails != nil {
			return nil, c.fails
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.opened = append(c.opened, &conn{key: key})
		return c.opened[len(c.opened)-1], nil
	})
}

func (c *conns) use(l *Lease[string, *conn]) (*conn, func()) {
	c.t.Helper()
	client, done, err := l.Use(c.t.Context())
	if err != nil || client.closed.Load() || client.key != l.key {
		c.t.Fatalf("%s: got %+v, %v", l.key, client, err)
	}
	return client, done
}

func (c *conns) want(opened, open int) {
	c.t.Helper()
	var now []string
	for _, o := range c.Clients() {
		now = append(now, o.key)
	}
	if len(c.opened) != opened || len(now) != open {
		c.t.Errorf("%d were opened, %v are open; want %d and %d", len(c.opened), now, opened, open)
	}
}

func TestClientsAreSharedAndOpenedByTheFirstReader(t *testing.T) {
	c := newConns(t, 0)
	a, b, other := c.lease("x"), c.lease("x"), c.lease("y")
	c.want(0, 0)
	first, doneFirst := c.use(a)
	second, doneSecond := c.use(b)
	if first != second {
		t.Error("equal keys have two clients")
	}
	doneFirst()
	doneSecond()
	_, done := c.use(other)
	done()
	c.want(2, 2)
	a.Close()
	a.Close() // once is enough
	c.want(2, 2)
	b.Close()
	c.want(2, 1)
	other.Close()
	c.want(2, 0)
	if len(c.entries) != 0 {
		t.Errorf("%v is kept", c.entries)
	}
}

// A trigger is closed while it is read, and read after that: its client is open as long.
func TestAClientStaysOpenUntilItsLastReaderIsDone(t *testing.T) {
	c := newConns(t, 0)
	a := c.lease("x")
	client, done := c.use(a)
	a.Close()
	again, doneAgain := c.use(a)
	if again != client || client.closed.Load() {
		t.Error("it was closed under its reader")
	}
	done()
	c.want(1, 1)
	doneAgain()
	c.want(1, 0)
	_, done = c.use(a) // the trigger was closed, and whoever has it still reads it once
	c.want(2, 1)
	done()
	c.want(2, 0)
	if len(c.entries) != 0 || len(c.resting) != 0 {
		t.Errorf("%v and %v are kept", c.entries, c.resting)
	}
}

func TestFewClientsRest(t *testing.T) {
	c := newConns(t, 2)
	var all []*Lease[string, *conn]
	for i := range 5 {
		all = append(all, c.lease(fmt.Sprint(i)))
		_, done := c.use(all[i])
		done()
	}
	c.want(5, 2)
	if _, done := c.use(all[3]); done != nil { // it rests, and is no more the one that has rested longest
		done()
	}
	_, done := c.use(all[0])
	done()
	c.want(6, 2)
	if open := c.Clients(); !slices.ContainsFunc(open, func(o *conn) bool { return o.key == "3" }) {
		t.Error("the one that was read by last but one was closed")
	}
	var running []func()
	for _, l := range all { // who reads does not rest
		_, done := c.use(l)
		running = append(running, done)
	}
	if n := len(c.Clients()); n != 5 {
		t.Errorf("%d are open while all are read by", n)
	}
	for _, done := range running {
		done()
	}
	if n := len(c.Clients()); n != 2 {
		t.Errorf("%d are open", n)
	}
}

func TestAClientThatCannotBeOpenedLeavesNothing(t *testing.T) {
	c := newConns(t, 0)
	a := c.lease("x")
	c.fails = errors.New("no")
	if _, _, err := a.Use(t.Context()); !errors.Is(err, c.fails) {
		t.Errorf("got %v", err)
	}
	c.fails = nil
	_, done := c.use(a)
	done()
	a.Close()
	c.fails = errors.New("no")
	if _, _, err := a.Use(t.Context()); err == nil || len(c.entries) != 0 {
		t.Errorf("got %v; %v is kept", err, c.entries)
	}
}

// Leases come and go and are used at the same time, for the race detector and for the clients to judge. In the end nothing is open.
func TestThePoolUnderLoad(t *testing.T) {
	c := newConns(t, 3)
	var all sync.WaitGroup
	for seed := range uint64(8) {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, seed))
			for range 500 {
				l := c.lease(fmt.Sprint(random.IntN(6)))
				var readers sync.WaitGroup
				for range random.IntN(3) {
					readers.Go(func() {
						client, done, err := l.Use(c.t.Context())
						if err != nil || client.closed.Load() {
							t.Errorf("got %+v, %v", client, err)
						}
						if client.closed.Load() {
							t.Error("it was closed under its reader")
						}
						done()
					})
				}
				l.Close()
				readers.Wait()
			}
		})
	}
	all.Wait()
	if open := c.Clients(); len(open) != 0 || len(c.entries) != 0 || len(c.resting) != 0 {
		t.Errorf("%d are open, %d kept, %d rest", len(open), len(c.entries), len(c.resting))
	}
	for _, o := range c.opened {
		if !o.closed.Load() {
			t.Errorf("%s was not closed", o.key)
		}
	}
}

// A client that opens or closes slowly, as over a network, holds up nobody who reads by another. Readers of its own wait as
// long as they wish, and open it once.
func TestASlowClientHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConns(t, 0)
		goOn, close1 := make(chan struct{}), c.Close
		slow := func(ctx context.Context) (*conn, error) {
			select {
			case <-goOn:
				c.mu.Lock()
				defer c.mu.Unlock()
				c.opened = append(c.opened, &conn{key: "slow"})
				return c.opened[len(c.opened)-1], nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		c.Close = func(o *conn) {
			if o.key == "slow" {
				<-goOn
			}
			close1(o)
		}
		l, gaveUp := c.Lease("slow", slow), make(chan error, 2)
		ctx, giveUp := context.WithCancel(t.Context())
		read := func(ctx context.Context) {
			_, done, err := l.Use(ctx)
			if gaveUp <- err; err == nil {
				done()
			}
		}
		other := func() {
			quick := c.lease("quick")
			_, done := c.use(quick)
			done()
			quick.Close()
		}
		go read(ctx)
		synctest.Wait()
		go read(t.Context()) // it waits for the first, and opens the client when that gives up
		synctest.Wait()
		other()
		giveUp()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
		synctest.Wait()
		close(goOn)
		if err := <-gaveUp; err != nil {
			t.Errorf("who waited got %v", err)
		}
		synctest.Wait()
		goOn = make(chan struct{})
		go l.Close()
		synctest.Wait()
		other()
		close(goOn)
		synctest.Wait()
		c.want(3, 0)
		if len(c.entries) != 0 {
			t.Errorf("%v is kept", c.entries)
		}
	})
}
