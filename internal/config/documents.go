package config

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one document of a YAML stream.
type Document struct {
	// Line is where it begins in the stream, from 1.
	Line int
	Data []byte
}

// Documents splits a YAML stream at its `---` lines, and leaves out documents of nothing but comments.
func Documents(data []byte) []Document {
	var docs []Document
	var current bytes.Buffer
	line, begin := 0, 1
	flush := func() {
		if !onlyComments(current.Bytes()) {
			docs = append(docs, Document{Line: begin, Data: bytes.Clone(current.Bytes())})
		}
		current.Reset()
		begin = line + 1
	}
	for text := range bytes.Lines(data) {
		line++
		if bytes.Equal(bytes.TrimRight(text, " \t\r\n"), []byte("---")) {
			flush()
			continue
		}
		current.Write(text)
	}
	flush()
	return docs
}

// Root parses the document and gives its outermost value, nil when there is none. Lines of the nodes
// count from the beginning of the document. The error is a Problems of file with the stream's line.
func (d Document) Root(file string) (*yaml.Node, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(d.Data, &n); err != nil {
		p := Problem{File: file, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
		if _, err := fmt.Sscanf(p.Message, "line %d:", &p.Line); err == nil {
			_, p.Message, _ = strings.Cut(p.Message, ": ")
			p.Line += d.Line - 1
		}
		p.Message = "not YAML: " + p.Message
		return nil, Problems{p}
	}
	if len(n.Content) == 0 {
		return nil, nil
	}
	return n.Content[0], nil
}

func onlyComments(doc []byte) bool {
	for line := range bytes.Lines(doc) {
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			return false
		}
	}
	return true
}
