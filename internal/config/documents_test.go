package config

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

// utf16Text is text as PowerShell's > writes it, or with the other order of bytes.
func utf16Text(text string, order binary.AppendByteOrder) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\uFEFF" + text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// Each stream is paired with the line and the value of each of its documents, or with what is wrong with it.
func TestDocuments(t *testing.T) {
	t.Parallel()
	const stream = "# head\na: 1\n---\nb: é😀\n--- # behind the mark\nc: |\n  ---x\n"
	const parts = "1 {a: 1}; 4 {b: é😀}; 5 {c: ---x }"
	for _, c := range []struct{ in, want string }{
		{stream, parts},
		{strings.ReplaceAll(stream, "\n", "\r\n"), parts},
		{strings.ReplaceAll(stream, "\n", "\r"), parts},
		{"\uFEFF" + stream, parts},
		{utf16Text(stream, binary.LittleEndian), parts},
		{utf16Text(stream, binary.BigEndian), parts},
		{utf16Text(strings.ReplaceAll(stream, "\n", "\r\n"), binary.LittleEndian), parts},
		{"a: 1\n---\t{b: 2}\n...\nc: 3\n...\n---\n", "1 {a: 1}; 2 {b: 2}; 4 {c: 3}"},
		{"%YAML 1.1\n---\na: 1\n---\n", "1 {a: 1}"},
		{"# c\n%YAML 1.1\n# d\n--- {a: 1}\n...\n%YAML 1.1\n---\nb: 2\n", "1 {a: 1}; 6 {b: 2}"},
		{"%YAML 1.1\n---\n# nothing\n", "1 nothing"},
		{"---\n--- # nothing\n...\n", ""},
		{"a: 1\n---b: 2\n", "1 {a: 1}"}, // ---b is a key
		// What cannot be read is an error, in whatever encoding.
		{utf16Text("a: 1\n---\nb: 2\n", binary.LittleEndian) + "x", "1 {a: 1}; f: not YAML: control characters are not allowed"},
		{utf16Text("a: 1\n", binary.LittleEndian) + "\x00\xd8", "f: not YAML: control characters are not allowed"},
		{utf16Text("a: 1\n", binary.LittleEndian) + "\x00\xd8b\x00", "f: not YAML: control characters are not allowed"},
		{strings.TrimPrefix(utf16Text("a: 1\n", binary.LittleEndian), "\xff\xfe"), "f: not YAML: control characters are not allowed"},
		{"%YAML 1.2\n---\na: 1\n", "f: not YAML: found incompatible YAML document; take the %YAML line out, which asks for another version than 1.1"},
		{`{"a": 1}` + "\n" + `{"b": 2}`, "f:1: not YAML: did not find expected <document start>; write --- alone on a line between two documents"},
	} {
		var got []string
		for _, doc := range Documents([]byte(c.in)) {
			got = append(got, described(doc))
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%q\n got: %s\nwant: %s", c.in, text, c.want)
		}
	}
}

func described(doc Document) string {
	root, err := doc.Root("f")
	switch {
	case err != nil:
		return err.Error()
	case root == nil:
		return fmt.Sprint(doc.Line, " nothing")
	}
	return fmt.Sprintf("%d {%s: %s}", doc.Line, root.Content[0].Value, strings.ReplaceAll(root.Content[1].Value, "\n", " "))
}

// A file of one document may end or begin with marks, and no second document is left out.
func TestDecodeReadsTheOneDocument(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"port: 1\n---\n", ""},
		{"---\n---\nport: 1\n...\n", ""},
		{"%YAML 1.1\n---\nport: 1\n--- # end\n", ""},
		{utf16Text("port: 1\r\n---\r\n", binary.LittleEndian), ""},
		{"port: 1\r---\rport: 2", "f:3: more than one YAML document; one is expected"},
		{utf16Text("port: 1\n--- \nport: 2", binary.BigEndian), "f:3: more than one YAML document; one is expected"},
		{"port: 1\n---\na: [", "f:3: not YAML: did not find expected node content"},
	} {
		var into outer
		err := Decode("f", []byte(c.in), &into)
		if got := fmt.Sprint(err); got != c.want && (c.want != "" || err != nil) || err == nil && into.Port != 1 {
			t.Errorf("%q: port %d, %v; want %q", c.in, into.Port, err, c.want)
		}
	}
}

// A file that is too large is never parsed, neither to read it nor to find the line of what is wrong with it.
func TestDecodeParsesNoFileThatIsTooLarge(t *testing.T) {
	data := []byte("groups:\n" + strings.Repeat("- {name: a}\n", MaxFileBytes/10))
	if took := testing.AllocsPerRun(1, func() {
		ps, _ := errors.AsType[Problems](Decode("f", data, new(outer)))
		if ps.Locate(Document{Line: 1, Data: data}); len(ps) != 1 || ps[0].String() != "f: the file has more than 4194304 bytes" {
			t.Errorf("%v", ps)
		}
	}); took > 100 {
		t.Errorf("%v allocations for one message", took)
	}
}

// What stands in any document of a stream is in a document that Documents returns, or there is an error.
func FuzzDocuments(f *testing.F) {
	f.Add("a: 1\n--- # x\nb: 2\n...\n%YAML 1.1\n---\nc: 3\r---\rd: 4")
	f.Add("\u3000")
	f.Add(utf16Text("a: 1\n---\nb: 2\n", binary.LittleEndian))
	f.Fuzz(func(t *testing.T, text string) {
		whole, parts := 0, 0
		decoder := yaml.NewDecoder(strings.NewReader(text))
		for {
			var n yaml.Node
			if decoder.Decode(&n) != nil {
				break
			}
			if len(n.Content) > 0 && n.Content[0].ShortTag() != "!!null" {
				whole++
			}
		}
		for _, doc := range Documents([]byte(text)) {
			root, err := doc.Root("f")
			if err != nil {
				return
			}
			if root != nil && root.ShortTag() != "!!null" {
				parts++
			}
		}
		if parts < whole {
			t.Errorf("%q has %d documents, and %d were read", text, whole, parts)
		}
	})
}
