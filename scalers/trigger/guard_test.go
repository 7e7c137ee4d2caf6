package trigger

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/scalers/param"
)

// played is a source that a test makes up.
type played struct {
	table param.Table
	check func(*param.Parsed)
	read  func(Definition) (Sample, error)
	opens int
}

func (p *played) About() string      { return "" }
func (p *played) New() Spec          { return p }
func (p *played) Table() param.Table { return p.table }

func (p *played) Check(parsed *param.Parsed) Metric {
	if p.check != nil {
		p.check(parsed)
	}
	return Metric{Name: "x", Target: 1}
}

func (p *played) Open(d Definition) Opened {
	p.opens++
	return Opened{Close: func() {}, Read: func(context.Context, time.Time) (Sample, error) { return p.read(d) }}
}

// A trigger is checked without being opened, and its warnings do not stop it.
func TestCheckOpensNothing(t *testing.T) {
	t.Parallel()
	source := &played{read: func(Definition) (Sample, error) { return Sample{Value: 7}, nil }}
	checked, err := Check(Definition{Type: "x", Metadata: map[string]string{"odd": "geheim"}}, source)
	if err != nil || source.opens > 0 || checked.Name != "x" || len(checked.Warnings) != 1 || !strings.HasPrefix(checked.Warnings[0], "trigger 0 (x): odd: unknown parameter") {
		t.Fatalf("got %+v, %v", checked, err)
	}
	if got, err := checked.Open().Read(t.Context(), time.Time{}); err != nil || got.Value != 7 {
		t.Errorf("read %+v, %v", got, err)
	}
}

// An error has a part of a long value, and at most ten problems.
func TestProblemsAreFewAndShort(t *testing.T) {
	t.Parallel()
	d := Definition{Type: strings.Repeat("x", 5<<20), Name: strings.Repeat("\n", 5<<20), Metadata: map[string]string{}}
	source := &played{}
	var number float64
	for i := range 30 {
		source.table = append(source.table, param.Param{Name: fmt.Sprint("n", i), To: &number})
		d.Metadata[fmt.Sprint("n", i)] = strings.Repeat("ä", 5<<10)
	}
	_, err := Check(d, source)
	got := err.Error()
	if n := strings.Count(got, "\n"); n != 10 || !strings.HasSuffix(got, "\nand 20 more") || len(got) > 10*500 {
		t.Errorf("%d lines, %d bytes: %.2000s", n+1, len(got), got)
	}
}

// Whatever a source makes of a trigger's secrets, no error or warning of it shows them, and none is long.
func TestErrorsOfASourceShowNoSecret(t *testing.T) {
	t.Parallel()
	d := Definition{
		Type: "x", AuthName: "shop/auth", Auth: map[string]string{"address": "redis://:from-auth-1@host", "unread": "from-auth-2"},
		Metadata: map[string]string{"password": "from-data-1", "headers": "X-Token=from-data-2", "host": "redis://u:from-data-3@h:1/?t=from-data-4", "other": "http://from-data-5@x"},
	}
	all := []string{"from-auth-1", "from-auth-2", "from-data-1", "from-data-2", "from-data-3", "from-data-4", "from-data-5"}
	var address, host param.Address
	var password, other string
	var headers map[string]string
	source := func(fail bool) *played {
		return &played{
			table: param.Table{
				{Name: "password", From: param.Metadata + param.Auth, To: &password, Secret: true}, {Name: "headers", To: &headers, Secret: true},
				{Name: "address", From: param.Metadata + param.Auth, To: &address}, {Name: "host", From: param.Metadata + param.Auth, To: &host},
				{Name: "other", To: &other},
			},
			check: func(p *param.Parsed) {
				p.Warn("other", "has %s", strings.Join(all, " "))
				if fail {
					p.Fail("password", "is %s", strings.Join(all, " "))
					p.Fail("host", "is %q", d.Metadata["host"])
				}
			},
			read: func(d Definition) (Sample, error) {
				if said := d.Hide("log " + strings.Join(all, " ")); said != "log "+strings.TrimSpace(strings.Repeat("(secret) ", len(all))) {
					t.Errorf("the log reads %s", said)
				}
				return Sample{}, fmt.Errorf("%w: %s %s", context.DeadlineExceeded, strings.Join(all, " "), strings.Repeat("\n", 5<<20))
			},
		}
	}
	_, refused := Check(d, source(true))
	checked, err := Check(d, source(false))
	if refused == nil || err != nil || len(checked.Warnings) != 1 {
		t.Fatal(refused, err, checked.Warnings)
	}
	_, unread := checked.Open().Read(t.Context(), time.Time{})
	for _, err := range []error{refused, unread, errors.New(checked.Warnings[0])} {
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
	if address.Shown != "the address from the parameter address of TriggerAuthentication shop/auth" || host.Shown != "redis://h:1/" {
		t.Errorf("addresses are shown as %q and %q", address.Shown, host.Shown)
	}
	want := param.Keys{Metadata: []string{"address", "host", "other"}, Hidden: []string{"password", "headers"}, Auth: []string{"password", "address", "host"}}
	if got := source(true).table.Keys(); !reflect.DeepEqual(got, want) {
		t.Errorf("reads %+v", got)
	}
}

// What the last error became is kept, and is taken for no other: neither for another text nor for what it was.
func TestTheLastErrorIsCleanedOnce(t *testing.T) {
	var next error
	var password string
	checked, err := Check(Definition{Type: "x", Metadata: map[string]string{"password": "geheim-1"}}, &played{
		table: param.Table{{Name: "password", To: &password, Secret: true}}, read: func(Definition) (Sample, error) { return Sample{}, next },
	})
	if err != nil {
		t.Fatal(err)
	}
	opened := checked.Open()
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
	d := Definition{Type: "redis", Name: "address", Metadata: map[string]string{"address": "redis:address@host", "number": "number", "odd": ""}}
	var address param.Address
	var number float64
	_, err := Check(d, &played{
		table: param.Table{{Name: "address", To: &address}, {Name: "number", To: &number}},
		check: func(p *param.Parsed) { p.Fail("address", "%s is no address", address.Shown) },
	})
	const title = `trigger 0 (redis, "(secret)"): `
	want := title + "number: \"number\" is not a number\n" + title + "address: host is no (secret)"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
