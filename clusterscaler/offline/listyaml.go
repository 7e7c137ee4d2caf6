package offline

import (
	"bytes"
	"encoding/json"

	"github.com/trimtab/trimtab/internal/config"
)

// batchText is about how many bytes of items are parsed at once.
const batchText = 64 << 10

// listYAML reads a List as kubectl writes it: with items as a block sequence, the outermost key of its line. An item ends where
// a line begins that is not further in than its dash, as YAML wants it; what a text breaks this rule with is no YAML.
type listYAML struct {
	d *dump
	l list
	s *stream
	// ahead is what has been read of the document, and next the line where it begins.
	ahead []byte
	next  int
	// rest is the List without its items, which begins on the line begin. The line of items is number items of it, and behind that
	// the lines follow that begin on the line tail.
	rest               []byte
	begin, items, tail int
	// batch has the items that are to be parsed next, the first of which begins on the line first.
	batch []byte
	first int
	// indent is that of the dashes.
	indent int
}

// streamYAML reads a document of which doc is the beginning and s has the rest.
func (d *dump) streamYAML(doc config.Document, s *stream) {
	r := &listYAML{d: d, s: s, ahead: doc.Data, next: doc.Line, begin: doc.Line}
	if !r.findItems() { // it is no List as kubectl writes it
		more, all := s.text(maxText)
		if doc.Data = append(doc.Data, more...); !all {
			d.problems = append(d.problems, config.Problem{Line: doc.Line, Message: noList})
			return
		}
		if s.failure() == nil {
			d.wholeDocument(doc, !s.over())
		}
		return
	}
	r.l.where = d.nextDocument(false)
	r.readItems()
	r.readRest()
}

const noList = "a document of more than 64 MiB must be a List as kubectl writes it, with its items behind a line items:; write it as JSON, or in several documents"

// findItems goes to the first item. It looks only at what has been read already.
func (r *listYAML) findItems() bool {
	text, line := r.ahead, r.next
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n') + 1
		if end == 0 {
			return false
		}
		this := text[:end]
		text = text[end:]
		line++
		if rest, is := bytes.CutPrefix(this, []byte("items:")); !is || !onlyComment(rest) {
			r.rest = append(r.rest, this...)
			continue
		}
		r.items = line - r.begin
		r.rest = append(r.rest, "items: []\n"...)
		r.ahead, r.next = text, line
		for len(text) > 0 { // to the first dash
			this, text, _ = bytes.Cut(text, []byte("\n"))
			if !onlyComment(this) {
				r.indent = len(this) - len(bytes.TrimLeft(this, " "))
				return r.isItem(this)
			}
		}
		return false
	}
	return false
}

// isItem is whether an item begins on the line.
func (r *listYAML) isItem(line []byte) bool {
	if len(line) <= r.indent || len(bytes.Trim(line[:r.indent], " ")) > 0 || line[r.indent] != '-' {
		return false
	}
	return len(line) == r.indent+1 || bytes.IndexByte([]byte(" \t\n"), line[r.indent+1]) >= 0
}

// outside is whether the line is behind the items.
func (r *listYAML) outside(line []byte) bool {
	return !onlyComment(line) && len(line)-len(bytes.TrimLeft(line, " ")) <= r.indent && !r.isItem(line)
}

// line is the next line of the document, and its number.
func (r *listYAML) line() (text []byte, number int, ok bool) {
	number = r.next
	r.next++
	if end := bytes.IndexByte(r.ahead, '\n') + 1; end > 0 {
		text, r.ahead = r.ahead[:end], r.ahead[end:]
		return text, number, true
	}
	text, r.ahead = r.ahead, nil
	for len(text) <= maxText {
		chunk, more := r.s.chunk()
		if !more {
			return text, number, len(text) > 0
		}
		if text == nil && !r.s.begun {
			return chunk, number, true
		}
		if text = append(text, chunk...); !r.s.begun {
			return text, number, true
		}
	}
	return text, number, true
}

// readItems reads all items, and the line behind them.
func (r *listYAML) readItems() {
	for {
		line, number, ok := r.line()
		switch {
		case !ok:
			r.parse()
			return
		case r.outside(line):
			r.parse()
			r.rest, r.tail = append(r.rest, line...), number
			return
		case len(r.batch) >= maxText:
			r.d.problems = append(r.d.problems, config.Problem{Line: r.first, Message: "an item has more than 64 MiB"})
			r.batch = nil
			return
		case len(r.batch) >= batchText && r.isItem(line):
			r.parse()
		}
		if len(r.batch) == 0 {
			r.first = number
		}
		r.batch = append(r.batch, line...)
	}
}

// parse reads the items of the batch.
func (r *listYAML) parse() {
	doc, first := config.Document{Line: r.first, Data: r.batch}, r.l.next
	r.batch = nil
	raw, found := toJSON(doc, true)
	if r.s.failure() != nil { // the last one may be cut off
		return
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil && len(found) == 0 {
		found.Add("", "not YAML: %s", printable(err.Error()))
	}
	r.d.problems = append(r.d.problems, found...)
	r.d.trim()
	for _, item := range items {
		r.d.item(&r.l, item, func(found config.Problems) { locateItems(found, doc, first) })
	}
}

// readRest reads what stands behind the items, and what the List is.
func (r *listYAML) readRest() {
	for len(r.rest) <= maxText {
		line, _, ok := r.line()
		if !ok {
			break
		}
		r.rest = append(r.rest, line...)
	}
	raw, found := toJSON(config.Document{Line: r.begin, Data: r.rest}, false)
	for i := range found {
		if found[i].Line-r.begin >= r.items { // what is behind the items has another line than in the rest alone
			found[i].Line += r.tail - r.begin - r.items
		}
	}
	r.d.problems = append(r.d.problems, found...)
	var h header
	if len(found) > 0 || r.s.failure() != nil {
		return
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		r.d.report(r.l.where, "", raw, &h, err)
		return
	}
	r.d.finishList(&r.l, &h, raw)
}
