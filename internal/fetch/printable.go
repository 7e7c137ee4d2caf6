package fetch

import (
	"strings"
	"unicode"
)

// maxForeign is how much of a foreign text an error or a log repeats.
const maxForeign = 500

// Printable is a foreign text on one line and of bounded length.
func Printable(s string) string {
	if len(s) > maxForeign {
		s = strings.ToValidUTF8(s[:maxForeign], "") + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
