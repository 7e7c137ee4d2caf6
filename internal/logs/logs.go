package logs

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/trimtab/trimtab/internal/text"
)

// New makes a log that writes to w from level on, as text or as JSON.
func New(w io.Writer, level slog.Level, inJSON bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		return slog.Attr{Key: text.Line(a.Key), Value: short(a.Value)}
	}}
	if inJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// short is v, shortened if its text is too long. A short value that is no text stays as it is, so that JSON keeps its
// form. As in slog itself, a value that panics while it is printed does not stop the program.
func short(v slog.Value) (out slog.Value) {
	defer func() {
		if p := recover(); p != nil {
			out = slog.StringValue(text.Line(fmt.Sprintf("!PANIC: %v", p)))
		}
	}()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(text.Line(v.String()))
	case slog.KindAny:
	default:
		return v // numbers, times
	}
	switch x := v.Any().(type) {
	case error:
		return slog.StringValue(text.Line(x.Error()))
	case fmt.Stringer:
		return slog.StringValue(text.Line(x.String()))
	case encoding.TextMarshaler:
		raw, err := x.MarshalText()
		if err != nil {
			return slog.StringValue(text.Line("!ERROR: " + err.Error()))
		}
		return slog.StringValue(text.Line(string(raw)))
	default:
		raw, err := json.Marshal(x)
		if printed := fmt.Sprintf("%+v", x); err != nil || len(raw) > text.Most || len(printed) > text.Most {
			return slog.StringValue(text.Line(printed))
		}
		return v
	}
}
