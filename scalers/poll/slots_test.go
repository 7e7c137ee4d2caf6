package poll

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// take asks for n slots and notes in got who got one.
func take(s *Slots, namespace string, n int, got *[]string) {
	for range n {
		s.enter(namespace, &ticket{start: func() { *got = append(*got, namespace) }})
	}
}

func count(got []string, namespace string) int {
	n := 0
	for _, g := range got {
		if g == namespace {
			n++
		}
	}
	return n
}

// However many a namespace asks for and never gives back, one that comes later gets a slot at once.
func TestANewcomerNeverWaitsForThoseWhoKeepTheirSlots(t *testing.T) {
	for _, c := range []struct{ slots, hostile, each int }{
		{20, 1, 25}, {20, 1, 5000}, {20, 6, 500}, {200, 1, 5000}, {200, 10, 500}, {2, 1, 10}, {3, 2, 10},
	} {
		s := NewSlots(c.slots)
		var got []string
		for i := range c.hostile {
			take(s, fmt.Sprintf("hostile-%d", i), c.each, &got)
		}
		if take(s, "shop", 1, &got); count(got, "shop") != 1 {
			t.Errorf("%+v: shop waits, while the hostile hold %d", c, len(got))
		}
	}
}

func TestSharesOfSlots(t *testing.T) {
	for _, c := range []struct {
		slots int
		asks  []int
		want  []int
	}{
		{20, []int{5}, []int{5}},
		{20, []int{100}, []int{7}},
		{1, []int{100}, []int{1}},
		{20, []int{100, 100}, []int{7, 5}}, // the first was there alone
		{20, []int{100, 3}, []int{7, 3}},
		{200, []int{5000, 1}, []int{67, 1}},
		{20, []int{2, 3, 1}, []int{2, 3, 1}},
	} {
		s := NewSlots(c.slots)
		var got []string
		for i, n := range c.asks {
			take(s, fmt.Sprint(i), n, &got)
		}
		for i, want := range c.want {
			if n := count(got, fmt.Sprint(i)); n != want {
				t.Errorf("%d slots, %v ask: namespace %d has %d, want %d", c.slots, c.asks, i, n, want)
			}
		}
	}
}

// Those who wait for a slot that is always full take turns, and each namespace keeps its order.
func TestNamespacesTakeTurns(t *testing.T) {
	s := NewSlots(1)
	var got []string
	for i := range 4 {
		for _, namespace := range []string{"a", "b", "c"} {
			if namespace == "a" || i < 2 {
				s.enter(namespace, &ticket{start: func() { got = append(got, fmt.Sprint(namespace, i)) }})
			}
		}
	}
	for i := 0; i < len(got); i++ {
		s.leave(got[i][:1])
	}
	if want := "a0 b0 c0 a1 b1 c1 a2 a3"; strings.Join(got, " ") != want {
		t.Errorf("served %v, want %s", got, want)
	}
	if len(s.spaces) != 0 || len(s.turns) != 0 || s.free != 1 {
		t.Errorf("at rest it remembers %v, %v; %d are free", s.spaces, s.turns, s.free)
	}
}

// What has begun already is served before what has not, in its own order, and only in its own namespace.
func TestWhatHasBegunComesFirst(t *testing.T) {
	s := NewSlots(1)
	var got []string
	for _, name := range []string{"a0", "a1", "b0", "a2!", "a3", "a4!", "b1!", "b2"} { // a0 has the slot
		s.enter(name[:1], &ticket{start: func() { got = append(got, name) }, priority: strings.HasSuffix(name, "!")})
	}
	for i := 0; i < len(got); i++ {
		s.leave(got[i][:1])
	}
	if want := "a0 a2! b1! a4! b0 a1 b2 a3"; strings.Join(got, " ") != want {
		t.Errorf("served %v, want %s", got, want)
	}
}

// Random namespaces come, leave and give up. After each step: the slots add up, nobody waits who may
// have one, each namespace is served in its order, and a slot that is not its first leaves one free.
func TestSlotsKeepTheirPromises(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		n := 1 + random.IntN(12)
		s := NewSlots(n)
		held, waiting := map[string][]*ticket{}, map[string][]*ticket{}
		total := 0
		for step := range 300 {
			namespace := fmt.Sprint(random.IntN(1 + int(seed)%6))
			switch kind := random.IntN(5); {
			case kind < 2:
				tk := &ticket{}
				tk.start = func() {
					if waiting[namespace][0] != tk {
						t.Fatalf("seed %d, step %d: %s is not served in its order", seed, step, namespace)
					}
					waiting[namespace] = waiting[namespace][1:]
					if held[namespace] = append(held[namespace], tk); len(held[namespace]) > 1 && s.free == 0 {
						t.Fatalf("seed %d, step %d: %s took the last slot as its %d.", seed, step, namespace, len(held[namespace]))
					}
					total++
				}
				waiting[namespace] = append(waiting[namespace], tk)
				s.enter(namespace, tk)
			case kind < 4 && len(held[namespace]) > 0:
				held[namespace] = held[namespace][1:]
				total--
				s.leave(namespace)
			case kind == 4 && len(waiting[namespace]) > 0:
				tk := waiting[namespace][random.IntN(len(waiting[namespace]))]
				waiting[namespace] = slices.DeleteFunc(waiting[namespace], func(o *ticket) bool { return o == tk })
				if !s.withdraw(namespace, tk) {
					t.Fatalf("seed %d, step %d: one that waits could not give up", seed, step)
				}
			}
			if total+s.free != n || s.free < 0 {
				t.Fatalf("seed %d, step %d: %d held, %d free of %d", seed, step, total, s.free, n)
			}
			for namespace, w := range waiting {
				if len(w) > 0 && 2*len(held[namespace]) < s.free {
					t.Fatalf("seed %d, step %d: %s waits with %d held and %d free", seed, step, namespace, len(held[namespace]), s.free)
				}
			}
		}
	}
}

func TestAcquireGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(1)
		release, err := s.Acquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, giveUp := context.WithCancel(t.Context())
		gaveUp := make(chan error)
		go func() { _, err := s.Acquire(ctx, "b"); gaveUp <- err }()
		synctest.Wait()
		giveUp()
		if err := <-gaveUp; err == nil {
			t.Error("a slot that another holds was given out")
		}
		release()
		ran := make(chan struct{})
		s.Go("c", func() { close(ran) })
		<-ran
		synctest.Wait()
		if s.free != 1 || len(s.spaces) != 0 {
			t.Errorf("%d are free; it remembers %v", s.free, s.spaces)
		}
	})
}
