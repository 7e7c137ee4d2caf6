package prom

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDepth bounds how deep an answer may nest.
const maxDepth = 1000

// scanner reads JSON from a stream in one pass. It accepts no text that encoding/json refuses, whatever part
// of it is looked at, and holds no more of it than its buffer and the longest single token.
//
// The methods that read begin at the next value, and skip the white space before it.
type scanner struct {
	src      io.Reader
	buf      []byte
	pos, end int // buf[pos:end] is not read yet
	// mark is the begin of what must stay in the buffer, -1 for nothing.
	mark int
	// passed is the number of bytes that have left the buffer, for messages.
	passed int64
	depth  int
	// small says that the buffer may not grow: a value that it does not hold is an error.
	small bool
}

// reset makes the scanner ready to read src.
func (s *scanner) reset(src io.Reader) {
	s.src, s.pos, s.end, s.mark, s.passed, s.depth, s.small = src, 0, 0, -1, 0, 0, false
}

// more reads at least one byte behind those that it has. What is marked or unread stays, but moves.
func (s *scanner) more() error {
	keep := s.pos
	if s.mark >= 0 {
		keep = s.mark
		s.mark = 0
	}
	copy(s.buf, s.buf[keep:s.end])
	s.pos, s.end, s.passed = s.pos-keep, s.end-keep, s.passed+int64(keep)
	switch {
	case s.end < len(s.buf):
	case s.small:
		return s.wrong("a value of more than %d bytes, where one number is needed", len(s.buf))
	default:
		s.buf = append(s.buf, make([]byte, max(len(s.buf), 512))...)
	}
	for range 100 { // a reader that gives nothing a hundred times is broken
		n, err := s.src.Read(s.buf[s.end:])
		if s.end += n; n > 0 {
			return nil
		}
		if err == io.EOF { // a connection that breaks gives another error
			return io.EOF
		}
		if err != nil {
			return sourceError{err}
		}
	}
	return sourceError{io.ErrNoProgress}
}

func (s *scanner) wrong(format string, args ...any) error {
	return fmt.Errorf("at byte %d: %s", s.passed+int64(s.pos), fmt.Sprintf(format, args...))
}

// within is the error of a text that ends inside a value.
func (s *scanner) within(err error) error {
	if err == io.EOF { // more never wraps it
		return s.wrong("it breaks off")
	}
	return err
}

// peek is the first byte of the next value or sign, which stays unread. At the end it is io.EOF.
func (s *scanner) peek() (byte, error) {
	for {
		for s.pos < s.end {
			switch c := s.buf[s.pos]; c {
			case ' ', '\t', '\r', '\n':
				s.pos++
			default:
				return c, nil
			}
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// sign reads the sign c.
func (s *scanner) sign(c byte) error {
	got, err := s.peek()
	if err != nil {
		return s.within(err)
	}
	if got != c {
		return s.wrong("%q where %q is due", got, c)
	}
	s.pos++
	return nil
}

// finish makes sure that nothing but white space is left.
func (s *scanner) finish() error {
	c, err := s.peek()
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	default:
		return s.wrong("%q behind the end", c)
	}
}

// object calls each with every key of an object, in order; each reads the value. The key is valid until then.
func (s *scanner) object(each func(key []byte) error) error {
	return s.list('{', '}', func() error {
		key, _, err := s.text()
		if err != nil {
			return err
		}
		if s.pos < s.end && s.buf[s.pos] == ':' {
			s.pos++
			return each(key)
		}
		held := string(key) // reading on may move it
		if err := s.sign(':'); err != nil {
			return err
		}
		return each([]byte(held))
	})
}

// array calls each for every element of an array; each reads it.
func (s *scanner) array(each func() error) error { return s.list('[', ']', each) }

// list reads what stands between two brackets, with commas between.
func (s *scanner) list(open, end byte, each func() error) error {
	if err := s.sign(open); err != nil {
		return err
	}
	if s.depth++; s.depth > maxDepth {
		return s.wrong("nested more than %d deep", maxDepth)
	}
	defer func() { s.depth-- }()
	c, err := s.peek()
	if err != nil {
		return s.within(err)
	}
	if c == end {
		s.pos++
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		c, err := s.peek()
		if err != nil {
			return s.within(err)
		}
		s.pos++
		switch c {
		case end:
			return nil
		case ',':
		default:
			s.pos--
			return s.wrong("%q where a comma or %q is due", c, end)
		}
	}
}

// text reads a string, which is valid until the next read. raw says that it stood there as it is,
// without an escape and without a byte that is no UTF-8.
func (s *scanner) text() (value []byte, raw bool, err error) {
	if c, err := s.peek(); err != nil {
		return nil, false, s.within(err)
	} else if c != '"' {
		return nil, false, s.wrong("a string is due")
	}
	own := s.mark < 0
	if own {
		s.mark = s.pos
	}
	behind := s.pos - s.mark
	s.pos++
	wide, escaped, err := s.stringEnd()
	if err != nil {
		return nil, false, err
	}
	quoted := s.buf[s.mark+behind : s.pos]
	if own {
		s.mark = -1
	}
	if value = quoted[1 : len(quoted)-1]; !escaped && (!wide || utf8.Valid(value)) {
		return value, true, nil
	}
	var decoded string
	if err := json.Unmarshal(quoted, &decoded); err != nil {
		return nil, false, s.wrong("a string that cannot be read: %v", err)
	}
	return []byte(decoded), false, nil
}

// stringEnd reads up to and with the quote that ends a string.
func (s *scanner) stringEnd() (wide, escaped bool, err error) {
	skip := false
	for {
		for i, c := range s.buf[s.pos:s.end] {
			switch {
			case c < ' ':
				s.pos += i
				return wide, escaped, s.wrong("a control character in a string")
			case skip:
				skip = false
			case c == '"':
				s.pos += i + 1
				return wide, escaped, nil
			case c == '\\':
				skip, escaped = true, true
			case c >= utf8.RuneSelf:
				wide = true
			}
		}
		s.pos = s.end
		if err := s.more(); err != nil {
			return wide, escaped, s.within(err)
		}
	}
}
