package redis

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fake speaks the part of Redis's protocol (RESP2) that a client of lengths uses.
type fake struct {
	address string

	mu       sync.Mutex
	password string
	// keys maps a database and a key to a kind and a length: "0 orders" -> "list 3".
	keys map[string]string
	// commands are the received commands, without the setup of a connection.
	commands    []string
	connections int
	silent      bool
}

func newFake(t *testing.T) *fake {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{address: listener.Addr().String(), keys: map[string]string{}}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	return f
}

func (f *fake) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	f.mu.Lock()
	f.connections++
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.connections--
		f.mu.Unlock()
	}()
	in, database, known := bufio.NewReader(conn), "0", false
	for {
		command, err := readCommand(in)
		if err != nil {
			return
		}
		answer := f.answer(command, &database, &known)
		if answer == "" {
			continue
		}
		if _, err := io.WriteString(conn, answer+"\r\n"); err != nil {
			return
		}
	}
}

// answer is the reply to one command; empty is none at all.
func (f *fake) answer(command []string, database *string, known *bool) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent {
		return ""
	}
	switch name := strings.ToUpper(command[0]); name {
	case "HELLO":
		return "-ERR unknown command 'HELLO'"
	case "AUTH":
		if command[len(command)-1] != f.password {
			return "-WRONGPASS invalid username-password pair or user is disabled."
		}
		*known = true
		return "+OK"
	case "SELECT":
		*database = command[1]
		return "+OK"
	default:
		if f.password != "" && !*known {
			return "-NOAUTH Authentication required."
		}
		f.commands = append(f.commands, strings.Join(command, " "))
		kind, length, _ := strings.Cut(f.keys[*database+" "+command[1]], " ")
		if name == "TYPE" {
			if kind == "" {
				kind = "none"
			}
			return "+" + kind
		}
		if length == "" {
			length = "0"
		}
		return ":" + length
	}
}

func (f *fake) open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connections
}

// readCommand reads an array of bulk strings.
func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readHeader(in, '*')
	if err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i := range out {
		size, err := readHeader(in, '$')
		if err != nil {
			return nil, err
		}
		raw := make([]byte, size+2)
		if _, err := io.ReadFull(in, raw); err != nil {
			return nil, err
		}
		out[i] = string(raw[:size])
	}
	return out, nil
}

func readHeader(in *bufio.Reader, kind byte) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 3 || line[0] != kind {
		return 0, fmt.Errorf("%q, want %c: %w", line, kind, errors.ErrUnsupported)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}
