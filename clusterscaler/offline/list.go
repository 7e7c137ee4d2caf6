package offline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
)

// list is a List of which the items are read one after another. kubectl writes its kind behind them.
type list struct {
	// where tells its document from others.
	where string
	// next is the number of the next item.
	next int
	// kind and version are those of the items that do not say them, as in a PodList; known says that the List has been read.
	kind, version string
	known         bool
	// held are items that wait for the kind, and size is how many bytes they have.
	held []heldItem
	size int
}

type heldItem struct {
	raw    []byte
	number int
	locate locator
}

// locator finds the lines of mistakes in an item.
type locator func(found config.Problems)

// header is what tells what an object is.
type header struct {
	Kind       string            `json:"kind"`
	APIVersion string            `json:"apiVersion"`
	Items      []json.RawMessage `json:"items"`
}

// identify takes the kind of the List over, and is false where it is none.
func (l *list) identify(h *header) bool {
	l.kind, l.known = strings.CutSuffix(h.Kind, "List")
	l.version = h.APIVersion
	return l.known
}

// item reads the next item of the List.
func (d *dump) item(l *list, raw []byte, locate locator) {
	number := l.next
	l.next++
	if !l.known && kindOf(raw) == "" {
		if l.size += len(raw); l.size > maxText {
			d.problems.Add("", "more than %d MiB of items without a kind stand before that of the List; write the kind of each, as kubectl does", maxText>>20)
			d.trim()
			return
		}
		l.held = append(l.held, heldItem{raw, number, locate})
		return
	}
	d.readItem(l, raw, number, locate)
}

// kindOf is the kind of an item, if it says one.
func kindOf(raw []byte) string {
	var h struct{ Kind string }
	if json.Unmarshal(raw, &h) != nil {
		return "?" // reading it says what is wrong
	}
	return h.Kind
}

// readItem reads the item with that number.
func (d *dump) readItem(l *list, raw []byte, number int, locate locator) {
	before, path := len(d.problems), fmt.Sprintf("items[%d]", number)
	var h header
	if err := json.Unmarshal(raw, &h); err != nil {
		d.report(l.where, path, raw, &h, err)
	} else {
		if h.Kind == "" && l.kind != "" { // as the API server writes a PodList
			h.Kind, h.APIVersion = l.kind, l.version
		}
		if strings.HasSuffix(h.Kind, "List") {
			d.problems.Add(path+".kind", "a List in a List is not read; put its items into the outer one")
		} else {
			d.object(raw, h, l.where, path)
		}
	}
	if found := d.problems[before:]; len(found) > 0 && locate != nil && before < maxProblems { // it costs many times the item
		locate(found)
	}
	d.trim()
}

// finishList ends a List of which the items have been read, and says what it is. Of raw it looks at what stands beside them.
func (d *dump) finishList(l *list, h *header, raw []byte) {
	d.strays(raw)
	if isList := l.identify(h); h.Kind == "" {
		d.problems.Add("kind", "is required of a List; without it the dump may be cut off")
	} else if !isList {
		d.problems.Add("kind", "%s has items, and is no List", printable(fmt.Sprintf("%.80q", h.Kind)))
	}
	for _, i := range l.held {
		d.readItem(l, i.raw, i.number, i.locate)
	}
	l.held = nil
}

// strays reports what stands in a List and is none of its keys, such as an error that kubectl has written into the same file.
func (d *dump) strays(raw []byte) {
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil {
		return // reading it says what is wrong
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		switch key {
		case "apiVersion", "kind", "metadata", "items":
		default:
			d.problems.Add("", "%s is no key of a List; what kubectl writes to standard error does not belong into the dump", printable(fmt.Sprintf("%.80q", key)))
		}
	}
}

// locateItems finds the lines of mistakes in items, in the text of a list that begins with the item first.
func locateItems(found config.Problems, doc config.Document, first int) {
	shift := func(from, to string, by int) {
		for i := range found {
			number, rest, _ := strings.Cut(strings.TrimPrefix(found[i].Path, from+"["), "]")
			if n, err := strconv.Atoi(number); err == nil {
				found[i].Path = fmt.Sprintf("%s[%d]%s", to, n+by, rest)
			}
		}
	}
	shift("items", "", -first)
	found.Locate(doc)
	shift("", "items", first)
}
