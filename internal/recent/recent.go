package recent

import "sync"

// Cache keeps the values that were used last, never more than twice its limit. It has two generations of a map. When
// the young one is full, it becomes the old one; values of the previous old one that were not used since are dropped.
// All methods take constant time. It is safe for concurrent use.
type Cache[V any] struct {
	limit int

	mu         sync.Mutex
	young, old map[string]V
}

// New makes a cache with a limit above zero.
func New[V any](limit int) *Cache[V] { return &Cache[V]{limit: limit, young: map[string]V{}} }

// Get finds a value. It does not keep the key.
func (c *Cache[V]) Get(key []byte) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.young[string(key)]; ok {
		return v, true
	}
	v, ok := c.old[string(key)]
	if ok {
		c.add(string(key), v)
	}
	return v, ok
}

// Put keeps a value. It replaces a value with the same key.
func (c *Cache[V]) Put(key string, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(key, value)
}

func (c *Cache[V]) add(key string, value V) {
	if _, ok := c.young[key]; !ok && len(c.young) >= c.limit {
		c.young, c.old = make(map[string]V, c.limit), c.young
	}
	c.young[key] = value
}
