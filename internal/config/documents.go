package config

import "bytes"

// Documents splits a YAML stream at its `---` lines, and leaves out documents of nothing but comments.
func Documents(data []byte) [][]byte {
	var docs [][]byte
	var current bytes.Buffer
	flush := func() {
		if !onlyComments(current.Bytes()) {
			docs = append(docs, bytes.Clone(current.Bytes()))
		}
		current.Reset()
	}
	for line := range bytes.Lines(data) {
		if bytes.Equal(bytes.TrimRight(line, " \t\r\n"), []byte("---")) {
			flush()
			continue
		}
		current.Write(line)
	}
	flush()
	return docs
}

func onlyComments(doc []byte) bool {
	for line := range bytes.Lines(doc) {
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			return false
		}
	}
	return true
}
