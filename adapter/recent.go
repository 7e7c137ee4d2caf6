package adapter

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/trimtab/trimtab/adapter/memory"
	"github.com/trimtab/trimtab/internal/prom"
)

// mostRecentBytes bounds the texts of remembered queries, since a query may name a thousand pods.
const mostRecentBytes = 32 << 20

// recent remembers the answers of queries that are sent exactly as they are written. It is safe for concurrent use.
type recent struct {
	grid *memory.Grid

	mu    sync.Mutex
	byKey map[string]*list.Element
	// order has the most recent query in front.
	order *list.List
	bytes int
}

type recentEntry struct {
	key  string
	cell *memory.Cell[prom.Result]
}

func newRecent(grid *memory.Grid) *recent {
	return &recent{grid: grid, byKey: map[string]*list.Element{}, order: list.New()}
}

// of is the cell of a query on a server. key distinguishes servers and tenants.
func (r *recent) of(server Server, key, promql string) *memory.Cell[prom.Result] {
	key += "\xff" + promql
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.byKey[key]; ok {
		r.order.MoveToFront(e)
		return e.Value.(recentEntry).cell
	}
	cell := memory.NewCell(r.grid, func(ctx context.Context, at time.Time) (prom.Result, error) {
		return server.Query(ctx, promql, at)
	})
	r.byKey[key] = r.order.PushFront(recentEntry{key, cell})
	for r.bytes += len(key); r.bytes > mostRecentBytes; {
		r.drop(r.order.Back())
	}
	return cell
}

// all returns the cells, and forgets those that nobody has asked for since.
func (r *recent) all(since time.Time) []memory.Refresher {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []memory.Refresher
	for e := r.order.Front(); e != nil; {
		next := e.Next()
		if cell := e.Value.(recentEntry).cell; cell.Used().Before(since) {
			r.drop(e)
		} else {
			out = append(out, cell)
		}
		e = next
	}
	return out
}

func (r *recent) drop(e *list.Element) {
	entry := r.order.Remove(e).(recentEntry)
	delete(r.byKey, entry.key)
	r.bytes -= len(entry.key)
}
