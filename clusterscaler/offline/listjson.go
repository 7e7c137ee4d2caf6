package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/trimtab/trimtab/internal/config"
)

// isJSON is whether the text begins as a JSON object does.
func isJSON(text []byte) bool {
	inner, is := bytes.CutPrefix(bytes.TrimSpace(text), []byte("{"))
	inner = bytes.TrimSpace(inner)
	return is && (len(inner) == 0 || inner[0] == '"' || inner[0] == '}')
}

// documentsOfJSON splits a stream of JSON objects. The error has the line where it ends to be one.
func documentsOfJSON(doc config.Document) (docs []config.Document, err error) {
	text := &numbered{r: bytes.NewReader(doc.Data), line: doc.Line}
	decoder := json.NewDecoder(text)
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err == io.EOF {
			return docs, nil
		} else if err != nil {
			return nil, text.problem(err)
		}
		docs = append(docs, config.Document{Line: text.lineAt(decoder.InputOffset() - int64(len(raw))), Data: raw})
	}
}

// streamJSON reads JSON objects one after another, and the items of Lists one by one.
func (d *dump) streamJSON(r io.Reader, line int) {
	text := &numbered{r: r, line: line}
	decoder := json.NewDecoder(text)
	for {
		err := d.valueOfJSON(decoder, text)
		if err == io.EOF {
			return
		}
		if p, is := errors.AsType[config.Problems](text.problem(err)); err != nil && is {
			d.problems = append(d.problems, p...)
			return
		}
	}
}

// valueOfJSON reads one object. The error is io.EOF where there is none.
func (d *dump) valueOfJSON(decoder *json.Decoder, text *numbered) error {
	begin, err := decoder.Token()
	if err != nil {
		return err
	}
	line := text.lineAt(decoder.InputOffset() - 1)
	if begin != json.Delim('{') {
		return config.Problems{{Line: line, Message: "a mapping is expected"}}
	}
	l := &list{where: d.nextDocument(false)}
	fields, isList := map[string]json.RawMessage{}, false
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		key := fmt.Sprint(token)
		if _, twice := fields[key]; twice {
			return config.Problems{{Line: text.lineAt(decoder.InputOffset()), Message: fmt.Sprintf("not JSON: key %q already set in map", key)}}
		}
		if key != "items" {
			var value json.RawMessage
			if err := decoder.Decode(&value); err != nil {
				return err
			}
			fields[key] = value
			text.passed(decoder.InputOffset())
			continue
		}
		fields[key], isList = nil, true
		if err := d.itemsOfJSON(l, decoder, text); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return err
	}
	if !isList {
		raw, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		d.document(raw, config.Document{Line: line, Data: raw}, l.where)
		return nil
	}
	var h header
	delete(fields, "items")
	raw, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	if err != nil {
		d.report(l.where, "", raw, &h, err)
		return nil
	}
	d.finishList(l, &h, raw)
	return nil
}

func (d *dump) itemsOfJSON(l *list, decoder *json.Decoder, text *numbered) error {
	begin, err := decoder.Token()
	if err != nil || begin == nil { // null is no item
		return err
	}
	if begin != json.Delim('[') {
		return config.Problems{{Line: text.lineAt(decoder.InputOffset()), Path: "items", Message: "a list is expected"}}
	}
	for decoder.More() {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return err
		}
		end := decoder.InputOffset()
		line := text.lineAt(end - int64(len(raw)))
		text.passed(end)
		number := l.next
		d.item(l, raw, func(found config.Problems) {
			locateItems(found, config.Document{Line: line, Data: slices.Concat([]byte("["), raw, []byte("]"))}, number)
		})
	}
	_, err = decoder.Token()
	return err
}

// numbered knows on which lines what it has read stands.
type numbered struct {
	r io.Reader
	// at is how much has been read, line is the last line asked for, and breaks are the line ends behind it.
	at     int64
	line   int
	breaks []int64
	// from is where the object begins that is being read.
	from int64
}

func (n *numbered) Read(p []byte) (int, error) {
	if n.at-n.from > maxText {
		return 0, config.Problems{{Line: n.lineAt(n.from), Message: fmt.Sprintf("an object has more than %d MiB", maxText>>20)}}
	}
	read, err := n.r.Read(p)
	for i, c := range p[:read] {
		if c == '\n' {
			n.breaks = append(n.breaks, n.at+int64(i))
		}
	}
	n.at += int64(read)
	return read, err
}

// passed says that what stands before has been read.
func (n *numbered) passed(to int64) { n.from = to }

// lineAt is the line of that byte. It must not lie before one that was asked for earlier.
func (n *numbered) lineAt(at int64) int {
	passed := 0
	for passed < len(n.breaks) && n.breaks[passed] < at {
		passed++
	}
	n.line, n.breaks = n.line+passed, n.breaks[passed:]
	return n.line
}

// problem is the error as one of the text.
func (n *numbered) problem(err error) error {
	if err == nil {
		return nil
	}
	if _, is := errors.AsType[config.Problems](err); is {
		return err
	}
	at, message := n.at, err.Error()
	if s, is := errors.AsType[*json.SyntaxError](err); is {
		at = s.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		message = "it ends within a value"
	}
	return config.Problems{{Line: n.lineAt(at), Message: "not JSON: " + printable(message)}}
}
