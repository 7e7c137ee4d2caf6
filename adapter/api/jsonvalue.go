package api

import (
	"time"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString writes a string as encoding/json does by default: quoted, and what is not UTF-8 replaced. It escapes <,
// > and &, so that no browser takes an answer for a page.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscaped(b, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
		case r == '\u2028' || r == '\u2029': // line ends in JavaScript, not in JSON
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hexDigits[r&0xf])
		default:
			i += size
			continue
		}
		i += size
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}

// stamps writes times and remembers the last one, since the samples of an answer mostly have the same time.
type stamps struct {
	millis int64
	text   []byte
}

// append writes a time as metav1.Time does, in whole seconds.
func (s *stamps) append(b []byte, millis int64) []byte {
	if s.text == nil || s.millis != millis {
		s.millis, s.text = millis, s.text[:0]
		if t := time.UnixMilli(millis).UTC(); t.IsZero() {
			s.text = append(s.text, "null"...)
		} else {
			s.text = append(t.AppendFormat(append(s.text, '"'), time.RFC3339), '"')
		}
	}
	return append(b, s.text...)
}
