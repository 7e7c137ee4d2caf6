package prom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxValue bounds each value in the answer to a query for one number.
const maxValue = 64 << 10

// errLongValue is the error of a longer value.
var errLongValue = fmt.Errorf("a value of more than %d bytes, where one number is needed", maxValue)

// scanner reads JSON from a stream. It accepts no text that encoding/json refuses, even in skipped parts. It holds only
// as much text as the longest value that is read at once. The zero value is ready for reset.
//
// The methods read the next value, after any white space.
type scanner struct {
	dec jsontext.Decoder
	src io.Reader
	// passed is how many bytes src has delivered. most is the largest number of bytes that were held at once.
	passed, most int64
	// head is the start of the text, for a log at level debug.
	head []byte
	// small makes a value of more than maxValue bytes an error.
	small bool
}

// reset makes the scanner ready to read src.
func (s *scanner) reset(src io.Reader) {
	s.src, s.passed, s.most, s.head, s.small = src, 0, 0, s.head[:0], false
	s.dec.Reset((*source)(s), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// source is the reader of the scanner's decoder.
type source scanner

// Read implements io.Reader.
func (s *source) Read(b []byte) (int, error) {
	held := s.passed - s.dec.InputOffset()
	if s.most = max(s.most, held); s.small && held >= maxValue {
		return 0, errLongValue
	}
	for range 100 { // a reader that returns nothing a hundred times is broken
		n, err := s.src.Read(b)
		if n > 0 {
			s.passed += int64(n)
			s.head = append(s.head, b[:min(n, maxExcerpt+1-len(s.head))]...)
			return n, nil
		}
		if err == io.EOF { // a connection that breaks returns another error
			return 0, io.EOF
		}
		if err != nil {
			return 0, sourceError{err}
		}
	}
	return 0, sourceError{io.ErrNoProgress}
}

func (s *scanner) wrong(format string, args ...any) error {
	return fmt.Errorf("at byte %d: %s", s.dec.InputOffset(), fmt.Sprintf(format, args...))
}

// fault describes an error of the decoder in words of this package. The decoder's own text would repeat keys.
func (s *scanner) fault(err error) error {
	var broken sourceError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &broken):
		return broken
	case errors.Is(err, errLongValue):
		return s.wrong("%v", errLongValue)
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return s.wrong("it breaks off")
	case errors.As(err, &syntax):
		return fmt.Errorf("at byte %d: %w", syntax.ByteOffset, syntax.Err)
	default:
		return err
	}
}

// peek is the kind of the next value or bracket, without reading it. At the end it is io.EOF.
func (s *scanner) peek() (jsontext.Kind, error) {
	kind := s.dec.PeekKind()
	if kind != jsontext.KindInvalid {
		return kind, nil
	}
	_, err := s.dec.ReadToken() // returns the error
	if err == io.EOF {
		return kind, err
	}
	return kind, s.fault(err)
}

// sign reads a bracket or null.
func (s *scanner) sign(want jsontext.Kind) error {
	token, err := s.dec.ReadToken()
	if err != nil {
		return s.fault(err)
	}
	if got := token.Kind(); got != want {
		return s.wrong("%q where %q is due", byte(got), byte(want))
	}
	return nil
}

// finish is nil if only white space is left.
func (s *scanner) finish() error {
	kind, err := s.peek()
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	default:
		return s.wrong("%q behind the end", byte(kind))
	}
}

// object calls each with every key of an object, in order; each reads the value. The key is valid until then.
func (s *scanner) object(each func(key []byte) error) error {
	return s.list('{', '}', func() error {
		key, _, err := s.text()
		if err != nil {
			return err
		}
		return each(key)
	})
}

// array calls each for every element of an array; each reads it.
func (s *scanner) array(each func() error) error { return s.list('[', ']', each) }

// list reads the elements between two brackets.
func (s *scanner) list(open, end jsontext.Kind, each func() error) error {
	if err := s.sign(open); err != nil {
		return err
	}
	for {
		switch s.dec.PeekKind() {
		case end, jsontext.KindInvalid:
			return s.sign(end)
		}
		if err := each(); err != nil {
			return err
		}
	}
}

// value reads a value of that kind as it is written. It is valid until the next read.
func (s *scanner) value(want jsontext.Kind, name string) ([]byte, error) {
	if got := s.dec.PeekKind(); got != want && got != jsontext.KindInvalid {
		return nil, s.wrong("a %s is due", name)
	}
	return s.capture()
}

// text reads a string, which is valid until the next read. raw says that it was written without an escape and as valid
// UTF-8.
func (s *scanner) text() (text []byte, raw bool, err error) {
	quoted, err := s.value('"', "string")
	if err != nil {
		return nil, false, err
	}
	if text = quoted[1 : len(quoted)-1]; bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return text, true, nil
	}
	var decoded string
	if err := json.Unmarshal(quoted, &decoded); err != nil {
		return nil, false, s.wrong("a string that cannot be read: %v", err)
	}
	return []byte(decoded), false, nil
}

// number reads a number as it is written. It is valid until the next read.
func (s *scanner) number() ([]byte, error) { return s.value('0', "number") }

// null reads a null if it is next, and returns whether it was.
func (s *scanner) null() (bool, error) {
	if s.dec.PeekKind() != 'n' { // if it cannot be read, the next call fails too
		return false, nil
	}
	return true, s.sign('n')
}

// skip reads a value of any kind, and checks it.
func (s *scanner) skip() error {
	if err := s.dec.SkipValue(); err != nil {
		return s.fault(err)
	}
	return nil
}

// capture reads a value of any kind as it is written. It is valid until the next read.
func (s *scanner) capture() ([]byte, error) {
	value, err := s.dec.ReadValue()
	if err != nil {
		return nil, s.fault(err)
	}
	return value, nil
}
