package trigger

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Thousands of keys that nothing reads are one line of ten, and the keys that are read stand in it once.
func TestUnknownKeysAreToldTogether(t *testing.T) {
	t.Parallel()
	d := Definition{Type: "x", Metadata: map[string]string{"required": "r", "target": "1"}}
	for i := range 5000 {
		d.Metadata[fmt.Sprintf("key%04d", i)] = "geheim"
	}
	d.Metadata[strings.Repeat("ä", 1<<20)] = ""
	p := d.Params()
	readAll(p)
	want := "trigger 0 (x): key0000, key0001, key0002, key0003, key0004, key0005, key0006, key0007, key0008, key0009, and 4991 more: " +
		"unknown parameters; known here: text, required, secret, number, target, whole, yes, timeout, pairs, words"
	if got := p.Err().Error(); got != want {
		t.Errorf("got %d bytes\n%.2000s\nwant\n%s", len(got), got, want)
	}
}

// An error has a part of a long value, and at most ten problems.
func TestProblemsAreFewAndShort(t *testing.T) {
	t.Parallel()
	d := Definition{Type: strings.Repeat("x", 5<<20), Name: strings.Repeat("\n", 5<<20), Metadata: map[string]string{}}
	for i := range 30 {
		d.Metadata[fmt.Sprint("n", i)] = strings.Repeat("ä", 5<<10)
	}
	p := d.Params()
	for i := range 30 {
		p.Number(fmt.Sprint("n", i), 0)
	}
	got := p.Err().Error()
	if n := strings.Count(got, "\n"); n != 10 || !strings.HasSuffix(got, "\nand 20 more") || len(got) > 10*500 {
		t.Errorf("%d lines, %d bytes: %.2000s", n+1, len(got), got)
	}
}

// Whatever a source makes of a trigger's secrets, no error of it shows them, and none is long.
func TestErrorsOfASourceShowNoSecret(t *testing.T) {
	t.Parallel()
	d := Definition{
		Type: "x", AuthName: "shop/auth", Auth: map[string]string{"address": "redis://:from-auth-1@host", "unread": "from-auth-2"},
		Metadata: map[string]string{"password": "from-data-1", "headers": "X-Token=from-data-2", "host": "redis://u:from-data-3@h:1/?t=from-data-4", "other": "http://from-data-5@x"},
	}
	all := []string{"from-auth-1", "from-auth-2", "from-data-1", "from-data-2", "from-data-3", "from-data-4", "from-data-5"}
	var shown, shownHost string
	source := func(fail bool) func(Definition) (Opened, error) {
		return func(d Definition) (Opened, error) {
			p := d.Params()
			p.Secret("password")
			p.Pairs("headers")
			_, shown = p.Address("address")
			_, shownHost = p.Address("host")
			p.Text("other", "")
			p.Number("unread", 0)
			if fail {
				p.Fail("password", "is %s", strings.Join(all, " "))
				p.Fail("host", "is %q", d.Metadata["host"])
				return Opened{}, p.Err()
			}
			return Opened{Read: func(context.Context, time.Time) (Sample, error) {
				if said := d.Hide("log " + strings.Join(all, " ")); said != "log "+strings.TrimSpace(strings.Repeat("(secret) ", len(all))) {
					t.Errorf("the log reads %s", said)
				}
				return Sample{}, fmt.Errorf("%w: %s %s", context.DeadlineExceeded, strings.Join(all, " "), strings.Repeat("\n", 5<<20))
			}}, p.Err()
		}
	}
	_, refused := Open(d, source(true))
	opened, err := Open(d, source(false))
	if refused == nil || err != nil {
		t.Fatal(refused, err)
	}
	_, unread := opened.Read(t.Context(), time.Time{})
	for _, err := range []error{refused, unread} {
		for _, secret := range all {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s is shown in %s", secret, err)
			}
		}
		if len(err.Error()) > 2048 {
			t.Errorf("%d bytes", len(err.Error()))
		}
	}
	if !errors.Is(unread, context.DeadlineExceeded) {
		t.Error("it cannot be told any more that the time was over")
	}
	if shown != "the address from the parameter address of TriggerAuthentication shop/auth" || shownHost != "redis://h:1/" {
		t.Errorf("addresses are shown as %q and %q", shown, shownHost)
	}
	want := Keys{Metadata: []string{"address", "host", "other", "unread"}, Hidden: []string{"password", "headers"}, Auth: []string{"password", "address", "host"}}
	if got := KeysOf(source(true)); !reflect.DeepEqual(got, want) {
		t.Errorf("reads %+v", got)
	}
}

// What the last error became is kept, and is taken for no other: neither for another text nor for what it was.
func TestTheLastErrorIsCleanedOnce(t *testing.T) {
	var next error
	opened, err := Open(Definition{Type: "x", Metadata: map[string]string{"password": "geheim-1"}}, func(d Definition) (Opened, error) {
		p := d.Params()
		p.Secret("password")
		return Opened{Read: func(context.Context, time.Time) (Sample, error) { return Sample{}, next }}, p.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string
		is   error
	}{
		{errors.New("no geheim-1"), "no (secret)", nil}, {errors.New("no geheim-1"), "no (secret)", nil},
		{errors.New("context canceled"), "context canceled", nil}, {context.Canceled, "context canceled", context.Canceled},
		{errors.New("not geheim-1"), "not (secret)", nil}, {nil, "", nil}, {errors.New("not geheim-1"), "not (secret)", nil},
	} {
		next = c.err
		_, got := opened.Read(t.Context(), time.Time{})
		if got != nil != (c.err != nil) || got != nil && got.Error() != c.want || errors.Is(got, context.Canceled) != (c.is != nil) {
			t.Errorf("%v became %v", c.err, got)
		}
	}
	next = errors.New("no geheim-1")
	if n := testing.AllocsPerRun(10, func() { _, _ = opened.Read(t.Context(), time.Time{}) }); n > 5 {
		t.Errorf("an error that stays the same costs %v allocations", n)
	}
}

// A secret that is like the trigger's type or a key hides neither: the owner has to find the mistake.
func TestASecretHidesNotWhereTheMistakeIs(t *testing.T) {
	t.Parallel()
	d := Definition{Type: "redis", Name: "address", Metadata: map[string]string{"address": "redis:address@host", "number": "number", "numbers": ""}}
	_, err := Open(d, func(d Definition) (Opened, error) {
		p := d.Params()
		_, shown := p.Address("address")
		p.Fail("address", "%s is no address", shown)
		p.Number("number", 0)
		return Opened{}, p.Err()
	})
	const title = `trigger 0 (redis, "(secret)"): `
	want := title + "address: host is no (secret)\n" + title + "number: \"number\" is not a number\n" + title + "numbers: unknown parameter; known here: (secret), number"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
