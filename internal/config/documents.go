package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// blank are the characters that YAML treats as space between values; other space is content.
const blank = " \t\n"

// Document is one document of a YAML stream.
type Document struct {
	// Line is its first line in the stream, from 1.
	Line int
	Data []byte
}

// Documents splits a YAML stream at its `---` and `...` lines, and omits documents with nothing but comments. Each
// remaining byte of the stream is in one document, as UTF-8 with LF line ends.
func Documents(data []byte) []Document {
	data = plainText(data)
	var docs []Document
	begin, beginLine := 0, 1
	flush := func(end int) {
		if hasContent(data[begin:end]) {
			docs = append(docs, Document{Line: beginLine, Data: data[begin:end:end]})
		}
	}
	at, line := 0, 0
	for text := range bytes.Lines(data) {
		start := at
		at += len(text)
		line++
		rest, marked := afterMark(text)
		if !marked || text[0] == '-' && onlyDirectives(data[begin:start]) {
			continue // a directive belongs to the document after its mark
		}
		flush(start)
		begin, beginLine = at, line+1
		if text[0] == '-' && len(rest) > 0 { // the text after the mark is the first line of the document
			begin, beginLine = start, line
		}
	}
	flush(at)
	return docs
}

// afterMark is the text after `---` or `...` at the start of a line. Such a line ends a document anywhere, even inside
// a text.
func afterMark(line []byte) (rest []byte, ok bool) {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return nil, false
	}
	rest = line[len("---"):]
	return bytes.Trim(rest, blank), len(rest) == 0 || strings.IndexByte(blank, rest[0]) >= 0
}

func hasContent(doc []byte) bool {
	for line := range bytes.Lines(doc) {
		text := bytes.Trim(line, blank)
		if rest, marked := afterMark(line); marked {
			text = rest
		}
		if len(text) > 0 && text[0] != '#' {
			return true
		}
	}
	return false
}

// onlyDirectives is true if a document has only %YAML or %TAG lines so far.
func onlyDirectives(doc []byte) bool {
	some := false
	for line := range bytes.Lines(doc) {
		text := bytes.Trim(line, blank)
		some = some || line[0] == '%'
		if len(text) > 0 && line[0] != '%' && text[0] != '#' {
			return false
		}
	}
	return some
}

// Root parses the document and returns its outermost value, nil when there is none. Lines of the nodes are counted from
// the start of the document. The error is a Problems of file with the line of the stream. A further document is an
// error too, so that nothing is silently ignored.
func (d Document) Root(file string) (*yaml.Node, error) {
	var root *yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(d.Data))
	for {
		var n yaml.Node
		switch err := decoder.Decode(&n); {
		case errors.Is(err, io.EOF):
			return root, nil
		case err != nil:
			return nil, Problems{d.notYAML(file, err)}
		case len(n.Content) == 0 || n.Content[0].Kind == yaml.ScalarNode && n.Content[0].Tag == "!!null" && n.Content[0].Value == "":
			// nothing stands between two marks
		case root != nil:
			return nil, Problems{{File: file, Line: n.Content[0].Line + d.Line - 1, Message: "more than one YAML document; one is expected"}}
		default:
			root = n.Content[0]
		}
	}
}

func (d Document) notYAML(file string, err error) Problem {
	p := Problem{File: file, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if _, err := fmt.Sscanf(p.Message, "line %d:", &p.Line); err == nil {
		_, p.Message, _ = strings.Cut(p.Message, ": ")
		p.Line += d.Line - 1
	}
	switch {
	case strings.Contains(p.Message, "expected <document start>"):
		p.Message += "; write --- alone on a line between two documents"
	case strings.Contains(p.Message, "incompatible YAML document"):
		p.Message += "; take the %YAML line out, which asks for another version than 1.1"
	}
	p.Message = "not YAML: " + p.Message
	return p
}
