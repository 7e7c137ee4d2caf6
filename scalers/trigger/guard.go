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

// guard has a trigger's secrets and the keys of its source, while the trigger is checked and read.
type guard struct {
	// title is the trigger's name in errors. kind is the start of the title, up to the trigger's type.
	title, kind string
	secrets     text.Secrets
	keys        []string
}

func newGuard(d Definition, keys []string, secrets text.Secrets) *guard {
	return &guard{title: d.String() + ": ", kind: fmt.Sprintf("trigger %d (%s", d.Index, text.Short(d.Type)), secrets: secrets, keys: keys}
}

// cleaner returns a function that cleans one error after another. It remembers the last text and its result: looking
// for long secrets takes time, and a failing source mostly repeats its error.
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

// keptText bounds the last error's text that a trigger keeps.
const keptText = 4 << 10

// Hide removes the trigger's secrets from a text of a source, for a log. Errors of Check and Read do not need it.
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

// knownOf keeps from err only whether it was a time-out.
func knownOf(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

// hide removes the secrets from an error. Its start, with the trigger and a key, stays: it reveals nothing, and a
// secret may be equal to a part of it. With the user "redis", for example, nobody could see which trigger is meant.
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

// failure is an error whose text was cleaned. Of the original error it keeps only whether it was a time-out.
type failure struct {
	text  string
	known error
}

func (f failure) Error() string { return f.text }

func (f failure) Unwrap() error { return f.known }
