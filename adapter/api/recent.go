package api

import "sync"

// recent keeps the values that were used last, never more than twice its limit. It is two generations of a map:
// when the young one is full it becomes the old one, and what was in that one and not used since is
// forgotten. All its methods take constant time; it is safe for concurrent use.
type recent[V any] struct {
	limit int

	mu         sync.Mutex
	young, old map[string]V
}

func newRecent[V any](limit int) *recent[V] { return &recent[V]{limit: limit, young: map[string]V{}} }

// get finds a value. The key is not kept.
func (r *recent[V]) get(key []byte) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.young[string(key)]; ok {
		return v, true
	}
	v, ok := r.old[string(key)]
	if ok {
		r.add(string(key), v)
	}
	return v, ok
}

// put keeps a value, in the place of one with the same key.
func (r *recent[V]) put(key string, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(key, value)
}

func (r *recent[V]) add(key string, value V) {
	if _, ok := r.young[key]; !ok && len(r.young) >= r.limit {
		r.young, r.old = make(map[string]V, r.limit), r.young
	}
	r.young[key] = value
}
