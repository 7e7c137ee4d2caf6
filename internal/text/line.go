package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

const (
	// Most is the size of a Line, in bytes: what the API server takes as the note of an Event. One figure for facts,
	// conditions, Events, answers and the log lets them say the same.
	Most = 1024
	// most is the size of a value or name that is a part of a text.
	most = 80
	// Shown is how many items of a list a text has.
	Shown = 10
)

// Line is s on one line that any terminal and any JSON can show. A line end becomes "; ", other characters that cannot be
// printed a space. What is longer than Most bytes ends with its size. A Line of a Line is the same.
func Line(s string) string {
	if len(s) <= Most && isPlain(s) {
		return s
	}
	return cut(s, Most, fmt.Sprintf("... (cut, of %d bytes)", len(s)))
}

// Short is a value or name as a part of a text: one line of at most 80 bytes.
func Short(s string) string {
	if len(s) <= most && isPlain(s) {
		return s
	}
	return cut(s, most, "...")
}

// Quote is Short in quotes, with what cannot be printed escaped.
func Quote(s string) string { return QuoteTo(s, most) }

// QuoteTo is Quote for at most that many bytes of s.
func QuoteTo(s string, most int) string {
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "..."
}

// isPlain is the common case: nothing is to be replaced.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// cut looks at no more of s than it keeps.
func cut(s string, limit int, mark string) string {
	s = strings.TrimRight(s, "\n")
	var b strings.Builder
	b.Grow(min(len(s), limit))
	fits := 0 // as much of b as leaves room for the mark
	for _, r := range s {
		before := b.Len()
		switch {
		case r == '\n':
			b.WriteString("; ")
		case unicode.IsPrint(r):
			b.WriteRune(r) // what is no UTF-8 becomes U+FFFD
		default:
			b.WriteByte(' ')
		}
		if b.Len() > limit {
			return b.String()[:fits] + mark
		}
		if before <= limit-len(mark) {
			fits = before
		}
	}
	return b.String()
}

// List is the first items and how many more there are.
func List(items []string, separator string) string {
	if len(items) <= Shown {
		return strings.Join(items, separator)
	}
	return strings.Join(items[:Shown], separator) + separator + more(len(items)-Shown).Error()
}

// more counts what is not shown.
type more int

func (m more) Error() string { return fmt.Sprintf("and %d more", int(m)) }
