package trigger

import (
	"slices"
	"sync"
)

// Pool shares clients between triggers: triggers with an equal key have one client. K is everything that two triggers
// need in common to share a client. The zero value keeps any number of clients open. It is safe for concurrent use.
//
// The first reading opens a client. The client stays open until its last lease was given back and its last reading has
// ended. So a reading needs no own lease: its trigger may be closed meanwhile. A reading of a closed trigger opens the
// client again, for itself alone, if it is closed.
type Pool[K comparable, C any] struct {
	// Idle is how many idle clients stay open. Beyond that, the client with the longest idle time is closed; the next
	// reading opens it again. 0 is no bound.
	Idle int
	// Close closes a client that has no readings. It is called once for each opened client, and must not wait.
	Close func(C)

	mu      sync.Mutex
	entries map[K]*entry[K, C]
	// resting are the open clients without readings, longest idle first. It is empty where Idle is 0.
	resting []*entry[K, C]
}

// entry is the client of one key. It is removed when it has neither leases nor readings.
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

// Lease takes a share in the client of key. It opens nothing; the first reading calls open. Equal keys need equal open
// functions. open must not wait, for example for a server.
func (p *Pool[K, C]) Lease(key K, open func() (C, error)) *Lease[K, C] {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entry(key).leases++
	return &Lease[K, C]{pool: p, key: key, open: open}
}

// Use returns the client for one reading. Without an error, call done when the reading has ended.
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

// Close gives the lease back. A second call does nothing.
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

// tidy removes an entry without leases and readings.
func (p *Pool[K, C]) tidy(e *entry[K, C]) {
	if e.leases > 0 || e.readers > 0 {
		return
	}
	delete(p.entries, e.key)
	p.close(e)
}

// close closes a client without readings.
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

// wake removes a client from resting.
func (p *Pool[K, C]) wake(e *entry[K, C]) {
	p.resting = slices.DeleteFunc(p.resting, func(other *entry[K, C]) bool { return other == e })
}
