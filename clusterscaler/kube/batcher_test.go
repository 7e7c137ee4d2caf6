package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// calls is a provider that refuses to delete some nodes, alone or with others.
type calls struct {
	mu     sync.Mutex
	list   []string
	refuse map[string]bool
	// each says of each node alone why it is refused.
	each bool
}

func (c *calls) delete(_ context.Context, group string, nodes []string) map[string]error {
	c.mu.Lock()
	defer c.mu.Unlock()
	nodes = slices.Sorted(slices.Values(nodes))
	c.list = append(c.list, group+": "+strings.Join(nodes, " "))
	for _, n := range nodes {
		if c.refuse[n] {
			err := errors.New(n + " is protected")
			refused := map[string]error{}
			for _, all := range nodes {
				if !c.each || all == n {
					refused[all] = err
				}
			}
			return refused
		}
	}
	return map[string]error{}
}

// deletion is one that begins some time after the start.
type deletion struct {
	after       time.Duration
	group, node string
}

// Nodes that come within the interval are deleted together, per group; what one of them fails with is its own.
func TestBatches(t *testing.T) {
	few := []deletion{{0, "a", "a1"}, {time.Second, "a", "a2"}, {2 * time.Second, "b", "b1"}, {9 * time.Second, "a", "a3"}, {11 * time.Second, "a", "a4"}}
	for _, c := range []struct {
		name          string
		interval      time.Duration
		refuse        string
		cancelAt      time.Duration
		calls, failed string
		each          bool
	}{
		{"all go", 10 * time.Second, "", time.Hour, "a: a1 a2 a3, b: b1, a: a4", "", false},
		{"at once", 0, "", time.Hour, "a: a1, a: a2, b: b1, a: a3, a: a4", "", false},
		{"one of three fails alone", 10 * time.Second, "a2", time.Hour, "a: a1 a2 a3, a: a1, a: a2, a: a3, b: b1, a: a4", "a2 is protected", false},
		{"one of three fails, which the provider says", 10 * time.Second, "a2", time.Hour, "a: a1 a2 a3, a: a2, b: b1, a: a4", "a2 is protected", true},
		{"one alone is not tried twice", 10 * time.Second, "b1", time.Hour, "a: a1 a2 a3, b: b1, a: a4", "b1 is protected", false},
		{"the end of the process", 10 * time.Second, "", 11500 * time.Millisecond, "a: a1 a2 a3", "context canceled, context canceled", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &calls{refuse: map[string]bool{c.refuse: true}, each: c.each}
			b := NewBatcher(c.interval, p.delete)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var wg sync.WaitGroup
			errs := make([]error, len(few))
			for i, d := range few {
				wg.Go(func() {
					time.Sleep(d.after)
					errs[i] = b.Delete(ctx, d.group, d.node)
				})
			}
			wg.Go(func() {
				select {
				case <-ctx.Done():
				case <-time.After(c.cancelAt):
					cancel()
				}
			})
			time.Sleep(30 * time.Second)
			cancel()
			wg.Wait()
			var failed []string
			for _, err := range errs {
				if err != nil {
					failed = append(failed, fmt.Sprint(err))
				}
			}
			if got := strings.Join(p.list, ", "); got != c.calls {
				t.Errorf("%s: calls %s, want %s", c.name, got, c.calls)
			}
			if got := strings.Join(failed, ", "); got != c.failed {
				t.Errorf("%s: failed %q, want %q", c.name, got, c.failed)
			}
		})
	}
}
