package merge

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

const (
	// maxText is the longest accepted query, in bytes.
	maxText = 1 << 20
	// maxCode bounds the bytes outside of string literals. The time of Prometheus's parser grows with the square of the
	// depth of an expression. Values cost little, however many there are.
	maxCode = 4 << 10
)

// parse reads PromQL with all experimental features, so that a refusal can name them.
func parse(text string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	}).ParseExpr(text)
}

// tooLong says why the text is not read; empty when it is.
func tooLong(text string) string {
	if len(text) > maxText {
		return fmt.Sprintf("it has %d bytes, and at most %d are read", len(text), maxText)
	}
	if n := codeLength(text); n > maxCode {
		return fmt.Sprintf("it has %d bytes besides its values, and at most %d are read; split it by recording rules", n, maxCode)
	}
	return ""
}

// codeLength counts the bytes outside of string literals, comments included.
func codeLength(text string) int {
	n := 0
	for i := 0; i < len(text); i++ {
		n++
		switch c := text[i]; c {
		case '#':
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				return n + len(text) - i
			}
			n += end
			i += end
		case '"', '\'', '`':
			i = literalEnd(text, i+1, c)
		}
	}
	return n
}

// literalEnd is the index of the closing quote, or the text's length.
func literalEnd(text string, from int, quote byte) int {
	for i := from; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i
		case text[i] == '\\' && quote != '`':
			i++
		case text[i] == '\n' && quote != '`':
			return i
		}
	}
	return len(text)
}
