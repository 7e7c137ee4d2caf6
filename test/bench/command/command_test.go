package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	wrong := errors.New("wrong")
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want int
		says string
	}{
		{t.Context(), nil, 0, ""},
		{t.Context(), Usage{fmt.Errorf("arguments: %w", flag.ErrHelp)}, 0, ""},
		{t.Context(), Usage{wrong}, 2, "x: wrong\n"},
		{t.Context(), fmt.Errorf("measure: %w", wrong), 1, "x: measure: wrong\n"},
		{interrupted, wrong, 1, "x: interrupted\n"},
		{interrupted, nil, 1, "x: interrupted\n"},
	} {
		var said bytes.Buffer
		if got := code(c.ctx, "x", c.err, &said); got != c.want || said.String() != c.says {
			t.Errorf("%v gives %d and says %q, want %d and %q", c.err, got, said.String(), c.want, c.says)
		}
	}
}

func TestFiguresAreWritten(t *testing.T) {
	t.Parallel()
	if err := WriteJSON("", nil); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "figures.json")
	if err := WriteJSON(path, map[string]float64{"a": MiB(int64(3 << 20))}); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(path); err != nil || strings.Join(strings.Fields(string(raw)), "") != `{"a":3}` {
		t.Errorf("is %s, %v", raw, err)
	}
}
