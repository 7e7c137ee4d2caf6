package redis

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// hostile is a server that refuses the first commands as an old Redis does, and then writes the same for ever.
func hostile(t *testing.T, refuses int, answer string) string {
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
				in := bufio.NewReader(conn)
				for i := range refuses + 1 {
					if _, err := readCommand(in); err != nil {
						return
					}
					if i < refuses {
						_, _ = io.WriteString(conn, "-ERR unknown command 'HELLO'\r\n")
					}
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
		for _, refuses := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s after %d commands", name, refuses), func(t *testing.T) {
				opened := open(t, New(trigger.Env{Timeout: 10 * time.Second}), define(&fake{address: hostile(t, refuses, answer)}, nil))
				defer opened.Close()
				var err error
				cost := allocated(func() { _, err = opened.Read(t.Context(), time.Time{}) })
				if err == nil || strings.Contains(err.Error(), "geheim") || len(err.Error()) > 300 {
					t.Errorf("got %.500v", err)
				}
				t.Logf("%d KiB: %.300v", cost>>10, err)
				if cost > 32<<20 { // garbage included, and what the server itself costs
					t.Errorf("one reading cost %d bytes", cost)
				}
			})
		}
	}
}

// A reply is checked byte by byte, in whatever pieces it comes.
func TestTheGuardKnowsTheProtocolInAnyPieces(t *testing.T) {
	for reply, want := range map[string]error{
		"+OK\r\n:5\r\n-ERR no\r\n$3\r\na\nb\r\n$-1\r\n*2\r\n$1\r\na\r\n*-1\r\n*0\r\n+OK\r\n": nil,
		"$65536\r\n":            nil,
		"$65537\r\n":            errReplyTooLarge,
		"*2\r\n*16000\r\n":      nil,
		"*9000\r\n*9000\r\n":    errReplyTooLarge,
		"$3\r\nabc\r\nHTTP/1.1": errForeign,
		"$-2\r\n":               errForeign,
		"$--1\r\n":              errForeign,
		"$1x\r\n":               errForeign,
		"%1\r\n":                errForeign,
	} {
		for piece := 1; piece <= len(reply); piece++ {
			g := &guard{left: maxReply}
			var err error
			for rest := reply; rest != "" && err == nil; {
				n := min(piece, len(rest))
				err = g.check([]byte(rest[:n]))
				rest = rest[n:]
			}
			if err != want {
				t.Errorf("%q in pieces of %d: %v, want %v", reply, piece, err, want)
			}
		}
	}
}

// Triggers lead where the policy allows it.
func TestTriggersLeadOnlyWhereThePolicyAllows(t *testing.T) {
	f := newFake(t)
	f.keys["0 orders"] = "list 3"
	_, port, _ := strings.Cut(f.address, ":")
	env := trigger.Env{Timeout: time.Second, Policy: &fetch.Policy{Key: "scalers.sources"}}
	if _, err := trigger.Check(define(f, nil), New(env)); err == nil || !strings.Contains(err.Error(), "trigger 0 (redis): address: the address lies in 127.0.0.0/8 (loopback), which is refused unless scalers.sources.allowedNetworks has it") {
		t.Errorf("loopback: %v", err)
	}
	if _, err := trigger.Check(define(f, map[string]string{"address": "localhost:" + port}), New(env)); err == nil || !strings.Contains(err.Error(), "(loopback), which is refused unless") {
		t.Errorf("localhost: %v", err)
	}
	env.Policy.Allowed = []netip.Prefix{netip.MustParsePrefix("::1/128")} // the name may lead there, and here it leads elsewhere
	named := open(t, New(env), define(f, map[string]string{"address": "localhost:" + port}))
	defer named.Close()
	if got, err := named.Read(t.Context(), time.Time{}); err == nil {
		t.Errorf("a name of loopback was reached: %v", got)
	}
	env.Policy.Schemes, env.Policy.Allowed = []string{"rediss"}, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if _, err := trigger.Check(define(f, nil), New(env)); err == nil || !strings.Contains(err.Error(), "the scheme is not one of scalers.sources.allowedSchemes: rediss") {
		t.Errorf("plain text: %v", err)
	}
	env.Policy.Schemes = nil
	allowed := open(t, New(env), define(f, nil))
	defer allowed.Close()
	if got, err := allowed.Read(t.Context(), time.Time{}); err != nil || got.Value != 3 {
		t.Errorf("what is allowed: %v, %v", got, err)
	}
	if n := len(f.commands); n != 2 {
		t.Errorf("%d commands reached the server, want those of one reading", n)
	}
}

// However many servers the triggers name, few clients keep a connection; one that has none makes it anew.
func TestFewConnectionsAreKept(t *testing.T) {
	f := newFake(t)
	s := New(trigger.Env{Timeout: 10 * time.Second})
	var all []trigger.Opened
	for i := range 3 * keptClients {
		f.keys[fmt.Sprintf("%d orders", i)] = "list 3"
		opened := open(t, s, define(f, map[string]string{"databaseIndex": strconv.Itoa(i)}))
		defer opened.Close()
		all = append(all, opened)
	}
	for range 2 {
		for i, opened := range all {
			if got, err := opened.Read(t.Context(), time.Time{}); err != nil || got.Value != 3 {
				t.Fatalf("trigger %d: %v, %v", i, got, err)
			}
		}
	}
	open := 0
	for _, c := range s.clients.Clients() {
		open += int(c.PoolStats().TotalConns)
	}
	if open != keptClients {
		t.Errorf("%d connections are kept, want %d", open, keptClients)
	}
}
