package trigger

import (
	"context"
	"slices"
	"sync"
)

// Pool shares clients between triggers: triggers with an equal key have one client. K is everything that two triggers
// need in common to share a client. The zero value keeps any number of clients open. It is safe for concurrent use.
//
// A client is opened by the first that reads with it, and stays open until its last lease was given back and its last
// reader is done. So whoever reads needs no lease of its own: a trigger may be closed while it is read. Reads by a trigger
// that is closed open the client again if they must, for themselves alone. A client that opens or closes slowly delays the
// readers of its own key only.
type Pool[K comparable, C any] struct {
	// Idle is how many idle clients stay open. Beyond that, the client with the longest idle time is closed; the next
	// reading opens it again. 0 is no bound.
	Idle int
	// Close closes a client that no longer has a reader. It is called once for each that was opened.
	Close func(C)

	mu      sync.Mutex
	entries map[K]*entry[K, C]
	// resting are the open clients without readings, longest idle first. It is empty where Idle is 0.
	resting []*entry[K, C]
	// closing are the clients to close when mu is unlocked.
	closing []C
}

// entry is the client of one key. It is removed when it has neither leases nor readings.
type entry[K comparable, C any] struct {
	key             K
	leases, readers int
	open            bool
	client          C
	// opening is closed when a reader has tried to open the client; nil where none tries. That reader counts among readers.
	opening chan struct{}
}

// Lease is a trigger's share in a client.
type Lease[K comparable, C any] struct {
	pool *Pool[K, C]
	key  K
	open func(context.Context) (C, error)
	end  sync.Once
}

// Lease is a share in the client of key. It opens nothing; open is for the first reader, whose ctx it gets. Equal keys have an
// equal open.
func (p *Pool[K, C]) Lease(key K, open func(context.Context) (C, error)) *Lease[K, C] {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entry(key).leases++
	return &Lease[K, C]{pool: p, key: key, open: open}
}

// Use gives the client for one reading. Done follows where there is no error, when the reading has ended. Readers at the
// same time open it once; where that fails, the next of them tries.
func (l *Lease[K, C]) Use(ctx context.Context) (client C, done func(), err error) {
	p := l.pool
	p.mu.Lock()
	defer p.unlock()
	e := p.entry(l.key)
	p.wake(e)
	e.readers++
	for !e.open && err == nil {
		if e.opening == nil {
			err = l.tryOpen(ctx, e)
			continue
		}
		opening := e.opening
		p.mu.Unlock()
		select {
		case <-opening:
		case <-ctx.Done():
			err = ctx.Err()
		}
		p.mu.Lock()
	}
	if err != nil {
		e.readers--
		p.rest(e)
		return client, nil, err
	}
	return e.client, func() { p.leave(e) }, nil
}

// tryOpen opens the client of e, while the pool is unlocked.
func (l *Lease[K, C]) tryOpen(ctx context.Context, e *entry[K, C]) (err error) {
	e.opening = make(chan struct{})
	var client C
	l.pool.mu.Unlock()
	defer func() { // also where open panics
		l.pool.mu.Lock()
		close(e.opening)
		e.opening = nil
		if err == nil {
			e.client, e.open = client, true
		}
	}()
	client, err = l.open(ctx)
	return err
}

// Close gives the lease back. A second time does nothing.
func (l *Lease[K, C]) Close() {
	l.end.Do(func() {
		p := l.pool
		p.mu.Lock()
		defer p.unlock()
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
	defer p.unlock()
	e.readers--
	p.rest(e)
}

// rest lets a client rest by which nobody reads any more, or lets it go.
func (p *Pool[K, C]) rest(e *entry[K, C]) {
	if e.readers == 0 && e.open && p.Idle > 0 {
		if p.resting = append(p.resting, e); len(p.resting) > p.Idle {
			p.close(p.resting[0])
		}
	}
	p.tidy(e)
}

// unlock closes what is to be closed, when the pool is unlocked.
func (p *Pool[K, C]) unlock() {
	closing := p.closing
	p.closing = nil
	p.mu.Unlock()
	if p.Close == nil {
		return
	}
	for _, c := range closing {
		p.Close(c)
	}
}

// tidy lets go of an entry that nobody has.
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
	p.closing = append(p.closing, e.client)
	e.open, e.client = false, none
}

// wake removes a client from resting.
func (p *Pool[K, C]) wake(e *entry[K, C]) {
	p.resting = slices.DeleteFunc(p.resting, func(other *entry[K, C]) bool { return other == e })
}
