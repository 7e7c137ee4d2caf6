package recent

import "testing"

func TestRecentForgetsWhatIsNotUsed(t *testing.T) {
	t.Parallel()
	r := New[int](3)
	for i := range 1000 {
		r.Put(string(rune(i)), i)
		if v, ok := r.Get([]byte(string(rune(0)))); !ok || v != 0 {
			t.Fatalf("what is used all the time is forgotten after %d others", i)
		}
		if n := len(r.young) + len(r.old); n > 6 {
			t.Fatalf("%d values are kept", n)
		}
	}
	if _, ok := r.Get([]byte(string(rune(1)))); ok {
		t.Error("what was used once is kept for ever")
	}
	r.Put("x", 1)
	r.Put("x", 2)
	if v, _ := r.Get([]byte("x")); v != 2 {
		t.Errorf("x is %d", v)
	}
}
