package trigger

import (
	"slices"
	"sync"
)

// Pool shares clients between triggers: those with an equal key have one. K is all that two triggers must agree in. The zero
// value keeps any number of clients open. It is safe for concurrent use.
//
// A client is opened by the first that reads with it, and stays open until its last lease was given back and its last
// reader is done. So whoever reads needs no lease of its own: a trigger may be closed while it is read. Reads by a trigger
// that is closed open the client again if they must, for themselves alone.
type Pool[K comparable, C any] struct {
	// Idle is how many clients stay open while nobody reads by them. Beyond that, the one that has rested longest is closed,
	// and opened again by the next reader. 0 is no bound.
	Idle int
	// Close closes a client that no longer has a reader. It is called once for each that was opened, and must not wait.
	Close func(C)

	mu      sync.Mutex
	entries map[K]*entry[K, C]
	// resting are the clients that are open and by which nobody reads, the one that has rested longest first. It is empty where
	// Idle is 0.
	resting []*entry[K, C]
}

// entry is the client of one key. It goes when it has neither leases nor readers.
type entry[K comparable, C any] struct {
	key             K
	leases, readers int
	open            bool
	client          C
}

// Lease is a trigger's share in a client.
type Lease[K comparable, C any] struct {
	pool *Pool[K, C]
	key  K
	open func() (C, error)
	end  sync.Once
}

// Lease is a share in the client of key. It opens nothing; open is for the first reader. Equal keys have an equal open, which must
// not wait for anything, as for a server.
func (p *Pool[K, C]) Lease(key K, open func() (C, error)) *Lease[K, C] {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entry(key).leases++
	return &Lease[K, C]{pool: p, key: key, open: open}
}

// Use gives the client for one reading. Done follows where there is no error, when the reading has ended.
func (l *Lease[K, C]) Use() (client C, done func(), err error) {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entry(l.key)
	if !e.open {
		if e.client, err = l.open(); err != nil {
			p.tidy(e)
			return client, nil, err
		}
		e.open = true
	}
	p.wake(e)
	e.readers++
	return e.client, func() { p.leave(e) }, nil
}

// Close gives the lease back. A second time does nothing.
func (l *Lease[K, C]) Close() {
	l.end.Do(func() {
		p := l.pool
		p.mu.Lock()
		defer p.mu.Unlock()
		e := p.entries[l.key]
		e.leases--
		p.tidy(e)
	})
}

// Clients are the clients that are open now.
func (p *Pool[K, C]) Clients() (open []C) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if e.open {
			open = append(open, e.client)
		}
	}
	return open
}

func (p *Pool[K, C]) entry(key K) *entry[K, C] {
	e := p.entries[key]
	if e == nil {
		e = &entry[K, C]{key: key}
		if p.entries == nil {
			p.entries = map[K]*entry[K, C]{}
		}
		p.entries[key] = e
	}
	return e
}

func (p *Pool[K, C]) leave(e *entry[K, C]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.readers--; e.readers == 0 && p.Idle > 0 {
		if p.resting = append(p.resting, e); len(p.resting) > p.Idle {
			p.close(p.resting[0])
		}
	}
	p.tidy(e)
}

// tidy lets go of an entry that nobody has.
func (p *Pool[K, C]) tidy(e *entry[K, C]) {
	if e.leases > 0 || e.readers > 0 {
		return
	}
	delete(p.entries, e.key)
	p.close(e)
}

// close closes a client by which nobody reads.
func (p *Pool[K, C]) close(e *entry[K, C]) {
	if !e.open {
		return
	}
	p.wake(e)
	var none C
	if p.Close != nil {
		p.Close(e.client)
	}
	e.open, e.client = false, none
}

// wake takes a client out of resting.
func (p *Pool[K, C]) wake(e *entry[K, C]) {
	p.resting = slices.DeleteFunc(p.resting, func(other *entry[K, C]) bool { return other == e })
}
