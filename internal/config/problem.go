package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/trimtab/trimtab/internal/text"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File string
	Line int // 0 where no line can be named
	// Path is where the value stands: "scalers.pollingInterval", "rules[2].metricsQuery".
	Path string
	// Message says what is wrong and, where it can, what would mend it.
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

// Problems are all that is wrong with a file. As an error they print one line each.
type Problems []Problem

// Add notes that the value at path is wrong; it is how a Validate speaks.
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

// maxQuoted is how many bytes of a key stand in a path.
const maxQuoted = 80

// printable is a key as it stands in a path: quoted only where it would break the line or its length.
func printable(key string) string {
	if len(key) > maxQuoted || strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text.Quote(key)
	}
	return key
}

// visible is a path that a key of the file stands in as it is: quoted only where it would break the line.
func visible(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(path)
	}
	return path
}

// Suggest names the known key that the user may have meant, or all of them, as the end of a sentence that says that key is none.
func Suggest(key string, known []string) string {
	best, bestDistance := "", len(key)/2+1
	if len(key) > maxQuoted {
		known = nil // no slip of the pen
	}
	for _, k := range known {
		if d := Distance(strings.ToLower(key), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(known) > 0:
		return "; known here: " + strings.Join(known, ", ")
	default:
		return ""
	}
}

// longestCompared bounds the work of Distance for absurd input: no name that is known is nearly as long.
const longestCompared = 64

// Distance is the number of insertions, deletions and replacements of bytes that make a into b (Levenshtein),
// for the first 64 bytes of each.
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
