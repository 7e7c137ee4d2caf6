package prometheus

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// endless writes begin, and then repeats more until the client goes away.
func endless(begin, more string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		writeEndless(w, begin, more)
	}
}

func writeEndless(w io.Writer, begin, more string) {
	more = strings.Repeat(more, 1+(16<<10)/len(more))
	_, err := io.WriteString(w, begin)
	for err == nil {
		_, err = io.WriteString(w, more)
	}
}

// A server is a tenant's, and may answer what it likes: no answer costs more than a few times its limit of 1 MiB.
func TestAHostileServerCostsLittle(t *testing.T) {
	const vector = `{"status":"success","data":{"resultType":"vector","result":[`
	row := `{"metric":{"pod":"p"},"value":[10,"1"]},`
	zipped := func(begin, more string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			writeEndless(gzip.NewWriter(w), begin, more)
		}
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		says   string
	}{
		"a vector without an end":     {endless(vector, row), "several series"},
		"the same, compressed":        {zipped(vector, row), "several series"},
		"a matrix":                    {endless(`{"status":"success","data":{"resultType":"matrix","result":[`, row), "a matrix"},
		"a result before its type":    {endless(`{"status":"success","data":{"result":[`, row), "a value of more than 65536 bytes"},
		"a row of many labels":        {endless(vector+`{"metric":{"a":"b"`, `,"a":"b"`), "a series of more than 4096 labels"},
		"a label without an end":      {endless(vector+`{"metric":{"a":"`, "x"), "a value of more than 65536 bytes"},
		"a name without an end":       {endless(vector+`{"metric":{"`, "x"), "a value of more than 65536 bytes"},
		"a value without an end":      {endless(vector+`{"metric":{},"value":[10,"`, "1"), "a value of more than 65536 bytes"},
		"a time without an end":       {endless(vector+`{"metric":{},"value":[`, "1"), "a value of more than 65536 bytes"},
		"a histogram without an end":  {endless(vector+`{"metric":{},"histogram":[10,{"buckets":[`, `[0,"0","0","0"],`), "a value of more than 65536 bytes"},
		"warnings without an end":     {endless(`{"status":"success","warnings":[`, `"",`), "larger than"},
		"arrays in arrays":            {endless(`{"status":"success","x":`, `[`), "exceeded max depth"},
		"objects in objects":          {endless(`{"status":"success","x":`, `{"":`), "exceeded max depth"},
		"white space":                 {endless(``, " "), "larger than"},
		"a bomb":                      {zipped(``, strings.Repeat(" ", 1<<16)), "larger than"},
		"an error without an end":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); endless(`{"error":"`, "x")(w, r) }, "HTTP 500"},
		"an error of a million items": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); endless(`[`, "{},")(w, r) }, "HTTP 500"},
		"headers without an end": {func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				writeEndless(conn, "HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1000)+"\r\n")
				_ = conn.Close()
			}
		}, "headers of the answer are larger than 65536 bytes"},
		"answers before the answer": {func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				writeEndless(conn, "", "HTTP/1.1 103 Early Hints\r\nX: x\r\n\r\n")
				_ = conn.Close()
			}
		}, "headers of the answer are larger than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handle)
			defer server.Close()
			_, opened, err := opened(New(trigger.Env{Timeout: time.Minute, MaxBytes: 1 << 20, MaxReadings: 20}), define(server.URL, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			cost := allocated(func() { _, err = opened.Read(t.Context(), time.Now()) })
			t.Logf("%d KiB: %.400v", cost>>10, err)
			if err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 1000 {
				t.Errorf("got %.2000v, want %s", err, c.says)
			}
			if cost > 64<<20 { // garbage included, and what the server itself costs
				t.Errorf("one reading cost %d KiB", cost>>10)
			}
		})
	}
}

// Triggers lead where the policy allows it, by whatever name, spelling or redirect they try.
func TestTriggersLeadOnlyWhereThePolicyAllows(t *testing.T) {
	address, _ := serve(t, 200, vector("1"))
	port := address[strings.LastIndex(address, ":"):]
	env := trigger.Env{Timeout: 5 * time.Second, MaxBytes: 1 << 20, MaxReadings: 20, Policy: &fetch.Policy{Key: "scalers.sources"}}
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "169.254.169.254", "[fe80::1]", "0.0.0.0", "224.0.0.1"} {
		_, err := trigger.Check(define("http://"+host+port, nil), New(env))
		if err == nil || !strings.Contains(err.Error(), "trigger 0 (prometheus): serverAddress: the address lies in ") || !strings.Contains(err.Error(), "scalers.sources.allowedNetworks") {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"127.1", "2130706433", "0x7f000001", "0177.0.0.1"} {
		_, opened, err := opened(New(env), define("http://"+host+port, nil))
		if err != nil {
			t.Errorf("%s, of which only a resolver knows the address: %v", host, err)
			continue
		}
		if sample, err := opened.Read(t.Context(), time.Now()); err == nil {
			t.Errorf("%s was reached: %v", host, sample)
		}
	}
	env.Policy.Allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	_, opened, err := opened(New(env), define("http://localhost"+port, nil))
	if err != nil {
		t.Fatal(err)
	}
	if sample, err := opened.Read(t.Context(), time.Now()); err != nil || sample.Value != 1 {
		t.Errorf("what is allowed: %v, %v", sample, err)
	}
}

// However many servers the triggers name, few connections are kept to them.
func TestFewConnectionsAreKept(t *testing.T) {
	const servers = 2 * keptIdle
	open, changed := 0, sync.NewCond(&sync.Mutex{})
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, vector("1")) }),
		ConnState: func(_ net.Conn, state http.ConnState) {
			changed.L.Lock()
			defer changed.L.Unlock()
			switch state {
			case http.StateNew:
				open++
			case http.StateClosed:
				open--
			}
			changed.Broadcast()
		},
	}
	listener, err := net.Listen("tcp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	source := newSource()
	for i := range servers {
		_, opened, err := opened(source, define(fmt.Sprintf("http://127.0.%d.%d:%s", i/200, 1+i%200, port), nil))
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		if _, err := opened.Read(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	changed.L.Lock()
	defer changed.L.Unlock()
	for open > keptIdle {
		changed.Wait()
	}
}

// Queries of one namespace that are never answered hold up none of another, at the same server.
func TestSlowQueriesOfANamespaceHoldUpNoOther(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("query") == "slow" {
			begun <- struct{}{}
			<-end
		}
		fmt.Fprint(w, vector("1"))
	}))
	defer server.Close()
	source := New(trigger.Env{Timeout: time.Minute, MaxBytes: 1 << 20, MaxReadings: 20})
	open := func(namespace, query string) trigger.Opened {
		d := define(server.URL, map[string]string{"query": query})
		d.Namespace = namespace
		_, opened, err := opened(source, d)
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
	slow, quick := open("flood", "slow"), open("neighbour", "quick")
	var all sync.WaitGroup
	for range 2 * prom.DefaultConfig().MaxConcurrent {
		all.Go(func() { _, _ = slow.Read(t.Context(), time.Now()) })
	}
	for range prom.DefaultConfig().MaxConcurrent {
		<-begun
	}
	if sample, err := quick.Read(t.Context(), time.Now()); err != nil || sample.Value != 1 {
		t.Errorf("the neighbour reads %v, %v", sample, err)
	}
	close(end)
	go func() {
		for range begun { // those that had to wait
		}
	}()
	all.Wait()
	close(begun)
}
