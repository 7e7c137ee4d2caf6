package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/trimtab/trimtab/internal/text"
)

// guard is what is known of a trigger while it is checked and read: its secrets, and the keys of its source.
type guard struct {
	// title is how errors call the trigger, and kind its beginning, to the trigger's type.
	title, kind string
	secrets     text.Secrets
	keys        []string
}

func newGuard(d Definition, keys []string, secrets text.Secrets) *guard {
	return &guard{title: d.String() + ": ", kind: fmt.Sprintf("trigger %d (%s", d.Index, text.Short(d.Type)), secrets: secrets, keys: keys}
}

// cleaner is clean for one error after another. To look for long secrets takes time, and a source that fails mostly fails
// as it did before: what the last text became is kept.
func (g *guard) cleaner() func(error) error {
	type text struct{ said, cleaned string }
	var last atomic.Pointer[text]
	return func(err error) error {
		if err == nil {
			return nil
		}
		said := err.Error()
		if known := last.Load(); known != nil && known.said == said {
			return failure{text: known.cleaned, known: knownOf(err)}
		}
		cleaned := g.hide(said)
		if len(said) <= keptText {
			last.Store(&text{said, cleaned})
		}
		return failure{text: cleaned, known: knownOf(err)}
	}
}

// keptText bounds the text that a trigger keeps of its last error.
const keptText = 4 << 10

// Hide is a text of a source without the trigger's secrets, for a log. Errors of Check and Read need none.
func (d Definition) Hide(said string) string {
	if d.guard == nil {
		return text.Line(said)
	}
	return d.guard.hide(said)
}

func (g *guard) clean(err error) error {
	if err == nil {
		return nil
	}
	return failure{text: g.hide(err.Error()), known: knownOf(err)}
}

// knownOf is whether the time was over.
func knownOf(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

// hide takes the secrets out of an error. Its beginning, the trigger and a key that is looked for, gives nothing away, and
// a secret may be like it: with the user "redis", say, nobody could tell which trigger is meant.
func (g *guard) hide(said string) string {
	rest, ok := strings.CutPrefix(said, g.title)
	if !ok {
		return text.Line(g.secrets.Hide(said))
	}
	place := g.kind + g.secrets.Hide(g.title[len(g.kind):])
	if key, reason, ok := strings.Cut(rest, ": "); ok && slices.Contains(g.keys, key) {
		place, rest = place+key+": ", reason
	}
	return text.Line(place + g.secrets.Hide(rest))
}

// failure is an error whose text was cleaned. Of what it was there is only whether its time was over.
type failure struct {
	text  string
	known error
}

func (f failure) Error() string { return f.text }

func (f failure) Unwrap() error { return f.known }
