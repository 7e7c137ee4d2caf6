package prom

import "io"

// null reads a null if one is next, and tells whether it was.
func (s *scanner) null() (bool, error) {
	if c, err := s.peek(); err != nil || c != 'n' {
		return false, s.within(err)
	}
	return true, s.word("null")
}

func (s *scanner) word(word string) error {
	for i := range len(word) {
		if s.pos == s.end {
			if err := s.more(); err != nil {
				return s.within(err)
			}
		}
		if s.buf[s.pos] != word[i] {
			return s.wrong("%q where %s is due", s.buf[s.pos], word)
		}
		s.pos++
	}
	return nil
}

// number reads a number as it stands, valid until the next read.
func (s *scanner) number() ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return nil, s.within(err)
	}
	own := s.mark < 0
	if own {
		s.mark = s.pos
	}
	behind := s.pos - s.mark
	for {
		for s.pos < s.end && isNumeric(s.buf[s.pos]) {
			s.pos++
		}
		if s.pos < s.end {
			break
		}
		if err := s.more(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	digits := s.buf[s.mark+behind : s.pos]
	if own {
		s.mark = -1
	}
	if !isNumber(digits) {
		return nil, s.wrong("a number is due")
	}
	return digits, nil
}

func isNumeric(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}

// isNumber checks the grammar of RFC 8259, section 6.
func isNumber(b []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(b) && '0' <= b[n] && b[n] <= '9' {
			n++
		}
		b = b[n:]
		return n > 0
	}
	take := func(signs string) bool {
		for i := range len(signs) {
			if len(b) > 0 && b[0] == signs[i] {
				b = b[1:]
				return true
			}
		}
		return false
	}
	take("-")
	if !take("0") && !digits() {
		return false
	}
	if take(".") && !digits() {
		return false
	}
	if take("eE") {
		if take("+-"); !digits() {
			return false
		}
	}
	return len(b) == 0
}

// skip reads a value of any kind, and checks it.
func (s *scanner) skip() error {
	c, err := s.peek()
	if err != nil {
		return s.within(err)
	}
	switch c {
	case '{':
		return s.object(func([]byte) error { return s.skip() })
	case '[':
		return s.array(s.skip)
	case '"':
		_, _, err = s.text()
	case 't':
		err = s.word("true")
	case 'f':
		err = s.word("false")
	case 'n':
		err = s.word("null")
	default:
		_, err = s.number()
	}
	return err
}

// capture reads a value of any kind as it stands, valid until the next read.
func (s *scanner) capture() ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return nil, s.within(err)
	}
	s.mark = s.pos
	err := s.skip()
	value := s.buf[max(s.mark, 0):s.pos]
	s.mark = -1
	return value, err
}
