package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// guard is what is known of a trigger while it is opened and read: its secrets, wherever they stand, and the keys that its
// source looks for in the metadata and in the authentication. Of the metadata those in hidden are secrets.
type guard struct {
	// title is how errors call the trigger, and kind its beginning, to the trigger's type.
	title, kind            string
	secrets                text.Secrets
	metadata, auth, hidden []string
}

// Open opens d by the source's own open. No error of the source shows a secret of the trigger, or is longer than a
// text.Line, whatever a client library or a server wrote into it.
func Open(d Definition, open func(Definition) (Opened, error)) (Opened, error) {
	d.guard = &guard{title: d.String() + ": "}
	d.guard.kind = fmt.Sprintf("trigger %d (%s", d.Index, text.Short(d.Type))
	opened, err := open(d)
	if err != nil {
		return Opened{}, text.Each(err, d.guard.clean)
	}
	read, clean := opened.Read, d.guard.cleaner()
	opened.Read = func(ctx context.Context, at time.Time) (Sample, error) {
		sample, err := read(ctx, at)
		return sample, clean(err)
	}
	return opened, nil
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

// Keys are what a source looks for in a trigger. An error may show the value of a key in Metadata, without user, password and
// parameters where it is an address; never that of one in Hidden, or of one in Auth that comes from there.
type Keys struct{ Metadata, Hidden, Auth []string }

// KeysOf are the keys that a source looks for.
func KeysOf(open func(Definition) (Opened, error)) Keys {
	d := Definition{Offline: true, guard: &guard{}}
	if opened, err := open(d); err == nil {
		opened.Close()
	}
	shown := slices.DeleteFunc(slices.Clone(d.guard.metadata), func(key string) bool { return slices.Contains(d.guard.hidden, key) })
	return Keys{shown, d.guard.hidden, d.guard.auth}
}

// Hide is a text of a source without the trigger's secrets, for a log. Errors of Open and Read need none.
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
	if key, reason, ok := strings.Cut(rest, ": "); ok && slices.Contains(g.metadata, key) {
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
