package prom

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whoever may name the server of a trigger must not read by trimtab what he cannot read himself: no error repeats an
// answer that is not of Prometheus's API. A log of level debug does, for who looks into the process.
func TestErrorsRepeatNothingOfForeignAnswers(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"a page":               answer(200, "<html>geheim"),
		"a page of an error":   answer(403, "geheim"),
		"another JSON":         answer(200, `{"token":"geheim"}`),
		"an error of another":  answer(400, `{"error":"geheim"}`),
		"an unknown errorType": answer(400, `{"status":"error","errorType":"geheim","error":"geheim"}`),
		"no status":            answer(400, `{"errorType":"bad_data","error":"geheim"}`),
		"an unknown status":    answer(200, `{"status":"geheim","errorType":"bad_data","error":"geheim"}`),
		"an error with 200":    answer(200, `{"status":"error","errorType":"mine","error":"geheim"}`),
		"a type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "geheim: it is")
			w.WriteHeader(500)
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.example/geheim?geheim", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, httptest.NewServer(handle), name != "a redirect" && name != "a type")
		})
	}
	for name, says := range map[string]string{
		"another protocol": "SSH-2.0-geheim\r\n",
		"a broken status":  "HTTP/1.1 geheim\r\n\r\n",
		"a broken header":  "HTTP/1.1 200 OK\r\ngeheim\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(nil)
			server.Config.ConnContext = nil
			server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					return
				}
				defer func(c net.Conn) { _ = c.Close() }(conn)
				fmt.Fprint(conn, says)
			})
			server.Start()
			check(t, server, true)
		})
	}
}

// check asks the server; the log alone may have what it said.
func check(t *testing.T, server *httptest.Server, logged bool) {
	t.Helper()
	t.Cleanup(server.Close)
	var log bytes.Buffer
	cfg := DefaultConfig()
	cfg.URL = server.URL
	c, err := NewClient(cfg, Deps{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.QueryOne(t.Context(), "up", time.Now())
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
	if logged && !strings.Contains(log.String(), "geheim") {
		t.Errorf("the log of level debug does not have the answer: %s", log.String())
	}
}

// A trigger's question is answered by one row. What stands behind the second is not read, whatever the limit.
func TestQueryOneEndsAtTheSecondRow(t *testing.T) {
	row := `{"metric":{"pod":"p"},"value":[10,"1"]}`
	for name, c := range map[string]struct{ begin, says string }{
		"a vector": {`{"status":"success","data":{"resultType":"vector","result":[` + row + `,` + row, "several series"},
		"a matrix": {`{"status":"success","data":{"resultType":"matrix","result":[`, "it gives a matrix"},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, err := io.WriteString(w, c.begin)
				for err == nil { // until the client goes away
					_, err = io.WriteString(w, ","+strings.Repeat(row+",", 1000)+row)
				}
				ended <- err
			}, func(cfg *Config) { cfg.MaxResponseBytes = 1 << 40 })
			_, err := client.QueryOne(t.Context(), "up", time.Now())
			if kind, _ := KindOf(err); kind != BadQuery || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s %v", kind, err)
			}
			<-ended
		})
	}
	early := serve(t, answer(200, `{"status":"success","data":{"result":[`+row+`,`+row+`],"resultType":"vector"}}`), func(*Config) {})
	if _, err := early.QueryOne(t.Context(), "up", time.Now()); err == nil || !strings.Contains(err.Error(), "several series") {
		t.Errorf("a result before its type: %v", err)
	}
}
