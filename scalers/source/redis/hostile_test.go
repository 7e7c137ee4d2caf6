package redis

import (
	"bufio"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile is a server that writes the same to whoever connects, for ever.
func hostile(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if _, err := readCommand(bufio.NewReader(conn)); err != nil {
					return
				}
				for {
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A server is a tenant's, and may answer what it likes: it costs next to nothing, and stands in no error.
func TestAHostileServerCostsNothingAndIsNotRepeated(t *testing.T) {
	for name, answer := range map[string]string{
		"a string of a gigabyte":         "$1000000000\r\n",
		"a string past all memory":       "$9223372036854775806\r\n",
		"a string of more than a number": "$99999999999999999999\r\n",
		"a string of negative length":    "$-7\r\n",
		"an array of a billion":          "*1000000000\r\n",
		"arrays in arrays":               strings.Repeat("*1\r\n", 1000),
		"large arrays in arrays":         strings.Repeat("*4096\r\n", 1000),
		"attributes without an end":      strings.Repeat("|0\r\n", 1000),
		"a map":                          "%1000000000\r\n",
		"a push":                         ">1000000000\r\n",
		"an error without an end":        "-ERR geheim" + strings.Repeat("x", 1000),
		"a large error in a string":      "!1000000000\r\n",
		"a line without an end":          "+geheim" + strings.Repeat("x", 1000),
		"a web server":                   "HTTP/1.1 400 Bad Request\r\nServer: geheim\r\n\r\n",
		"a mail server":                  "220 mail.geheim.example ESMTP\r\n",
		"a mailbox":                      "+OK geheim POP3 server ready\r\n",
		"a number that is none":          ":geheim\r\n",
		"an error of its own":            "-geheim it is\r\n",
		"an error that repeats":          "-ERR unknown command, with args beginning with: geheim\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			opened := open(t, New(time.Second), define(&fake{address: hostile(t, answer)}, nil))
			defer opened.Close()
			var err error
			cost := allocated(func() { _, err = opened.Read(t.Context(), time.Time{}) })
			if err == nil || strings.Contains(err.Error(), "geheim") || len(err.Error()) > 300 {
				t.Errorf("got %.500v", err)
			}
			t.Logf("%d KiB: %.300v", cost>>10, err)
			if cost > 4<<20 {
				t.Errorf("one reading cost %d bytes", cost)
			}
		})
	}
}
