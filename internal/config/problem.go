package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/trimtab/trimtab/internal/text"
)

// Problem is one problem of a file.
type Problem struct {
	File string
	Line int // 0 where there is no line
	// Path is the path of the value: "scalers.pollingInterval", "rules[2].metricsQuery".
	Path string
	// Message says what is wrong and, where possible, the correction.
	Message string
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Path != "" {
		fmt.Fprintf(&b, ": %s", visible(p.Path))
	}
	return b.String() + ": " + p.Message
}

// Problems are all problems of a file. As an error they print one line each.
type Problems []Problem

// Add records that the value at path is wrong. A Validate uses it.
func (ps *Problems) Add(path, format string, args ...any) {
	*ps = append(*ps, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// AsError is nil when there is no problem.
func (ps Problems) AsError() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// maxQuoted is how many bytes of a key a path shows.
const maxQuoted = 80

// printable is a key as a path shows it. It is quoted only if it would break the line or is too long.
func printable(key string) string {
	if len(key) > maxQuoted || strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text.Quote(key)
	}
	return key
}

// visible is a path as it is shown. It is quoted only if it would break the line.
func visible(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(path)
	}
	return path
}

// Suggest names the known key that was probably meant, or all known keys, as the end of a sentence about an unknown
// key.
func Suggest(key string, known []string) string {
	near := Nearest(key, known)
	if near == "" && len(known) > 0 && len(key) <= maxQuoted {
		return "; known here: " + strings.Join(known, ", ")
	}
	return near
}

// Nearest names the known key that was probably meant, like Suggest; it is empty where none is near.
func Nearest(key string, known []string) string {
	best, bestDistance := "", len(key)/2+1
	if len(key) > maxQuoted {
		return "" // not a typing error
	}
	for _, k := range known {
		if d := Distance(strings.ToLower(key), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// longestCompared bounds the work of Distance for very long input. All known names are much shorter.
const longestCompared = 64

// Distance is the number of insertions, deletions and replacements of bytes that change a into b (Levenshtein), for the
// first 64 bytes of each.
func Distance(a, b string) int {
	a, b = a[:min(len(a), longestCompared)], b[:min(len(b), longestCompared)]
	var row [longestCompared + 1]int
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
