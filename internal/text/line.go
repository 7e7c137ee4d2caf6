package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

const (
	// Most is the size of a Line, in bytes: the API server's limit for the note of an Event. Facts, conditions, Events,
	// answers and the log use the same limit, so that they can have the same text.
	Most = 1024
	// most is the size of a value or name within a text.
	most = 80
	// Shown is how many items of a list a text shows.
	Shown = 10
)

// Line is s on one line that any terminal and any JSON can show. A line end becomes "; ". Other unprintable characters
// become a space. If the result is longer than Most bytes, it is cut and ends with its size. Line of a Line changes
// nothing.
func Line(s string) string {
	if len(s) <= Most && isPlain(s) {
		return s
	}
	return cut(s, Most, fmt.Sprintf("... (cut, of %d bytes)", len(s)))
}

// Squeezed is Line with each run of spaces, line ends and control characters as one space.
func Squeezed(s string) string {
	return Line(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " "))
}

// Short is a value or name within a text: one line of at most 80 bytes.
func Short(s string) string {
	if len(s) <= most && isPlain(s) {
		return s
	}
	return cut(s, most, "...")
}

// Quote is Short in quotes, with unprintable characters escaped.
func Quote(s string) string { return QuoteTo(s, most) }

// QuoteTo is Quote for at most most bytes of s.
func QuoteTo(s string, most int) string {
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "..."
}

// isPlain is true in the common case, where nothing needs to be replaced.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// cut reads no more of s than it keeps.
func cut(s string, limit int, mark string) string {
	s = strings.TrimRight(s, "\n")
	var b strings.Builder
	b.Grow(min(len(s), limit))
	fits := 0 // how much of b leaves space for the mark
	for _, r := range s {
		before := b.Len()
		switch {
		case r == '\n':
			b.WriteString("; ")
		case unicode.IsPrint(r):
			b.WriteRune(r) // invalid UTF-8 becomes U+FFFD
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

// List is the first items, and the number of further ones.
func List(items []string, separator string) string {
	if len(items) <= Shown {
		return strings.Join(items, separator)
	}
	return strings.Join(items[:Shown], separator) + separator + more(len(items)-Shown).Error()
}

// more is the number of items that are not shown.
type more int

func (m more) Error() string { return fmt.Sprintf("and %d more", int(m)) }
