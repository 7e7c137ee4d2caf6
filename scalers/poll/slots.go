package poll

import (
	"context"
	"slices"
	"sync"
)

// Slots bound how much is done at the same time, and share it between namespaces. A namespace may take its first slot
// while one is free. It may take a further one only while at least twice as many are free as it holds: one namespace
// alone gets a third of them. So namespaces that keep their slots for long leave some for a later one. Waiting
// namespaces take turns. Within a namespace, the first to wait is the first to be served.
//
// It is safe for concurrent use.
type Slots struct {
	mu   sync.Mutex
	free int
	// spaces are the namespaces that hold slots or wait for one.
	spaces map[string]*space
	// turns are the waiting namespaces; the first is the next to be served.
	turns []string
}

type space struct {
	held    int
	waiting []*ticket
}

// ticket is one waiting caller. start must not block. A ticket with priority is served before the others of its
// namespace.
type ticket struct {
	start    func()
	priority bool
}

// NewSlots makes n slots, at least 1.
func NewSlots(n int) *Slots { return &Slots{free: n, spaces: map[string]*space{}} }

// Go calls f on a new goroutine as soon as the namespace may have a slot. The slot is free again when f returns.
func (s *Slots) Go(namespace string, f func()) { s.start(namespace, f, false) }

// GoOn is Go for work that has begun already: it is served before work of its namespace that has not.
func (s *Slots) GoOn(namespace string, f func()) { s.start(namespace, f, true) }

func (s *Slots) start(namespace string, f func(), priority bool) {
	s.enter(namespace, &ticket{priority: priority, start: func() {
		go func() {
			defer s.leave(namespace)
			f()
		}()
	}})
}

// Acquire waits for a slot. Call release once to give it back. With an error release is nil; the error is ctx's.
func (s *Slots) Acquire(ctx context.Context, namespace string) (release func(), err error) {
	ready := make(chan struct{})
	t := &ticket{start: func() { close(ready) }}
	s.enter(namespace, t)
	release = func() { s.leave(namespace) }
	select {
	case <-ready:
		return release, nil
	case <-ctx.Done():
		if !s.withdraw(namespace, t) { // it got the slot at the same moment
			release()
		}
		return nil, ctx.Err()
	}
}

func (s *Slots) enter(namespace string, t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.spaces[namespace]
	if n == nil {
		n = &space{}
		s.spaces[namespace] = n
	}
	if len(n.waiting) == 0 {
		s.turns = append(s.turns, namespace)
	}
	place := len(n.waiting)
	if t.priority {
		place = 0
		for place < len(n.waiting) && n.waiting[place].priority {
			place++
		}
	}
	n.waiting = slices.Insert(n.waiting, place, t)
	s.serve()
}

func (s *Slots) leave(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	s.spaces[namespace].held--
	s.tidy(namespace)
	s.serve()
}

// withdraw removes t from the queue. It is false if t has its slot already.
func (s *Slots) withdraw(namespace string, t *ticket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.spaces[namespace]
	i := slices.Index(n.waiting, t)
	if i < 0 {
		return false
	}
	if n.waiting = slices.Delete(n.waiting, i, i+1); len(n.waiting) == 0 {
		s.turns = slices.DeleteFunc(s.turns, func(other string) bool { return other == namespace })
		s.tidy(namespace)
	}
	return true
}

// serve gives out slots until no waiting namespace may have one.
func (s *Slots) serve() {
	for {
		i := slices.IndexFunc(s.turns, func(namespace string) bool {
			return s.free > 2*s.spaces[namespace].held
		})
		if i < 0 {
			return
		}
		namespace := s.turns[i]
		n := s.spaces[namespace]
		next := n.waiting[0]
		n.waiting[0], n.waiting = nil, n.waiting[1:]
		s.turns = slices.Delete(s.turns, i, i+1)
		if len(n.waiting) > 0 {
			s.turns = append(s.turns, namespace)
		}
		s.free--
		n.held++
		next.start()
	}
}

// tidy removes a namespace that neither holds a slot nor waits.
func (s *Slots) tidy(namespace string) {
	if n := s.spaces[namespace]; n.held == 0 && len(n.waiting) == 0 {
		delete(s.spaces, namespace)
	}
}
