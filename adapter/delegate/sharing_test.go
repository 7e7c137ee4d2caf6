package delegate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// inMemory is a delegate whose server is handle, without a network and so in a synctest's own time. It has listed
// its metrics.
func inMemory(t *testing.T, handle http.HandlerFunc) *Delegate {
	t.Helper()
	d, err := newDelegate(defaultConfig("https://other"), "")
	if err != nil {
		t.Fatal(err)
	}
	d.http = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		behind(handle)(w, r)
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return w.Result(), nil
	})}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCallersShareOneAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hits atomic.Int32
		d := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			time.Sleep(2 * time.Second)
			says(200, values)(w, r)
		})
		var callers sync.WaitGroup
		for i := range 10 {
			callers.Go(func() {
				ctx := t.Context()
				if i%2 == 0 { // one that gives up takes the answer from nobody
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Second)
					defer cancel()
				}
				_, known, err := d.External(ctx, "prod", "q", selector(t, "a=b"))
				if want := []int{504, 200}[i%2]; statusOf(err) != want || !known {
					t.Errorf("caller %d: known %v, %v; want %d", i, known, err, want)
				}
			})
		}
		callers.Wait()
		if hits.Load() != 1 {
			t.Errorf("asked %d times", hits.Load())
		}
		for _, other := range [][2]string{{"prod", "p"}, {"test", "q"}} {
			if _, _, err := d.External(t.Context(), other[0], other[1], selector(t, "a=b")); err != nil {
				t.Error(err)
			}
		}
		if hits.Load() != 3 {
			t.Errorf("what is not the same was asked %d times, want 2", hits.Load()-1)
		}
	})
}

// A delegate that hangs costs its time-out once, and others nothing until it is asked again.
func TestADelegateThatFailedIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hits atomic.Int32
		healthy := false
		d := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			if !healthy {
				hang(w, r)
				return
			}
			says(200, values)(w, r)
		})
		began := time.Now()
		ask := func(metric string, status int, message string) {
			t.Helper()
			if _, known, err := d.External(t.Context(), "prod", metric, nil); !known || statusOf(err) != status || err != nil && !strings.Contains(err.Error(), message) {
				t.Errorf("%s after %s: known %v, %v; want %d %s", metric, time.Since(began), known, err, status, message)
			}
		}
		ask("q", 504, `delegate "other": no answer within 20s`)
		healthy = true
		ask("q", 504, `delegate "other": not asked again so soon: no answer within 20s`)
		ask("p", 504, "not asked again so soon")
		if err := d.Refresh(t.Context()); err == nil || strings.Count(err.Error(), "so soon") != 2 {
			t.Errorf("refresh: %v", err)
		}
		if took := time.Since(began); took != 20*time.Second || hits.Load() != 1 {
			t.Errorf("took %s and %d requests", took, hits.Load())
		}
		time.Sleep(restFor - time.Millisecond)
		ask("q", 504, "so soon")
		time.Sleep(time.Millisecond)
		ask("q", 200, "")
		ask("p", 200, "")
	})
}
