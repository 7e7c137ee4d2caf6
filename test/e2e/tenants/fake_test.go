package tenants

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fakeServer is what a hostile tenant runs in place of a Prometheus. Its paths are its faults; each takes
// questions as the real one does, at …/api/v1/query.
type fakeServer struct {
	address string
	// open are the connections that are open now, most the highest number of them so far.
	open, most atomic.Int64
	// asked counts the questions, by the first part of the path.
	never, big, rows, echo, away, elsewhere atomic.Int64
}

// marked is a word that stands in answers and that trimtab must not repeat.
const marked = "internal-answer-of-somebody-else"

func startFake(t *testing.T) *fakeServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{address: l.Addr().String()}
	mux := http.NewServeMux()
	mux.HandleFunc("/one/", func(w http.ResponseWriter, _ *http.Request) { write(w, vector(1)) })
	mux.HandleFunc("/never/", func(_ http.ResponseWriter, r *http.Request) {
		f.never.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client has gone
		<-r.Context().Done()
	})
	mux.HandleFunc("/big/", func(w http.ResponseWriter, _ *http.Request) {
		f.big.Add(1)
		write(w, vector(500_000))
	})
	mux.HandleFunc("/rows/", func(w http.ResponseWriter, _ *http.Request) {
		f.rows.Add(1)
		write(w, vector(-1))
	})
	mux.HandleFunc("/echo/", func(w http.ResponseWriter, r *http.Request) {
		f.echo.Add(1)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %v %v", marked, r.URL, r.Header)
	})
	mux.HandleFunc("/away/", func(w http.ResponseWriter, r *http.Request) {
		f.away.Add(1)
		port := f.address[strings.LastIndex(f.address, ":"):]
		http.Redirect(w, r, "http://localhost"+port+"/elsewhere/api/v1/query", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/elsewhere/", func(w http.ResponseWriter, _ *http.Request) {
		f.elsewhere.Add(1)
		write(w, vector(1))
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ConnState: f.count}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return f
}

func (f *fakeServer) count(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		if n := f.open.Add(1); n > f.most.Load() {
			f.most.Store(n)
		}
	case http.StateClosed, http.StateHijacked:
		f.open.Add(-1)
	}
}

// url is the address of a fault, as a trigger names it.
func (f *fakeServer) url(fault string) string { return "http://" + f.address + "/" + fault }

// vector is the answer to a query with that many series; below zero it does not end.
func vector(series int) io.WriterTo { return rows(series) }

type rows int

func (n rows) WriteTo(w io.Writer) (written int64, err error) {
	put := func(s string) {
		if err == nil {
			var m int
			m, err = io.WriteString(w, s)
			written += int64(m)
		}
	}
	put(`{"status":"success","data":{"resultType":"vector","result":[`)
	for i := 0; (n < 0 || i < int(n)) && err == nil; i++ {
		if i > 0 {
			put(",")
		}
		put(fmt.Sprintf(`{"metric":{"pod":"a-pod-with-a-name-of-usual-length-%d","namespace":"shop","job":"kubelet","node":"n%d"},"value":[1767225600,"%d"]}`, i, i%100, i))
	}
	put("]}}")
	return written, err
}

func write(w http.ResponseWriter, answer io.WriterTo) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = answer.WriteTo(w) // who reads no further has read enough
}

// reached waits until the counter has moved on by so many.
func reached(n *atomic.Int64, least int64) func(context.Context) error {
	from := n.Load()
	return func(context.Context) error {
		if got := n.Load() - from; got < least {
			return fmt.Errorf("it was asked %d times, not yet %d", got, least)
		}
		return nil
	}
}
