package trigger

import (
	"math"
	"strings"
	"testing"
	"time"
)

// readAll reads one key of each kind, as a source does.
func readAll(p *Params) (out struct {
	text, required, secret string
	number, target         float64
	whole                  int64
	yes                    bool
	timeout                time.Duration
	pairs                  map[string]string
	words                  []string
}) {
	out.text = p.Text("text", "absent")
	out.required = p.Required("required")
	out.secret = p.Secret("secret")
	out.number = p.Number("number", 2)
	out.target = p.Target("target", math.NaN())
	out.whole = p.Whole("whole", 5, 1, 9)
	out.yes = p.Bool("yes", true)
	out.timeout = p.Duration("timeout", time.Second)
	out.pairs = p.Pairs("pairs")
	out.words = p.Words("words")
	return out
}

func TestParamsAreTrimmedAndEmptyCountsAsAbsent(t *testing.T) {
	d := Definition{Type: "x", Metadata: map[string]string{
		"text": "  ", "required": " r ", "secret": "fromMetadata", "number": " 1.5 ", "target": "0.001", "whole": "9",
		"yes": "false", "timeout": "1500", "pairs": "a=b=c, d = e", "words": " a ,,b",
	}, Auth: map[string]string{"secret": " s\n", "unrelated": "x"}}
	p := d.Params()
	got := readAll(p)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	if got.text != "absent" || got.required != "r" || got.secret != "s" || got.number != 1.5 || got.target != 0.001 ||
		got.whole != 9 || got.yes || got.timeout != 1500*time.Millisecond || got.pairs["a"] != "b=c" || got.pairs["d"] != "e" ||
		strings.Join(got.words, "|") != "a|b" {
		t.Errorf("read %+v", got)
	}
}

func TestParamsReportEverythingAtOnceWithKeyAndValue(t *testing.T) {
	d := Definition{Index: 2, Type: "x", Name: "n", Metadata: map[string]string{
		"number": "Inf", "whole": "10", "yes": "perhaps", "timeout": "-1s", "pairs": "geheim", "textFromEnv": "A", "tetx": "v",
	}}
	p := d.Params()
	readAll(p)
	want := `trigger 2 (x, "n"): required: is required
trigger 2 (x, "n"): number: "Inf" is not a number
trigger 2 (x, "n"): target: is required
trigger 2 (x, "n"): whole: "10" is not between 1 and 9
trigger 2 (x, "n"): yes: "perhaps" is not true or false
trigger 2 (x, "n"): timeout: "-1s" is not a duration above zero such as 5s, nor a number of milliseconds
trigger 2 (x, "n"): pairs: one of its items is not name=value (the value is not shown: it may be a credential)
trigger 2 (x, "n"): textFromEnv: would be read from the environment of the workload's container, which trimtab does not do; write text, or put it in a TriggerAuthentication with a secretTargetRef
trigger 2 (x, "n"): tetx: unknown parameter; known here: text, required, secret, number, target, whole, yes, timeout, pairs, words`
	if got := p.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParamsRefuseATargetThatNoHPACanDivideBy(t *testing.T) {
	for value, want := range map[string]string{
		"0": `"0" must be at least 0.001`, "-3": `"-3" must be at least 0.001`, "0.0001": `"0.0001" must be at least 0.001`, "x": `"x" is not a number`,
	} {
		p := Definition{Type: "x", Metadata: map[string]string{"target": value}}.Params()
		p.Target("target", math.NaN())
		if got := p.Err(); got == nil || got.Error() != "trigger 0 (x): target: "+want {
			t.Errorf("target %q: %v, want %s", value, got, want)
		}
	}
}

func FuzzParams(f *testing.F) {
	f.Add("pairs", "a=b,,c")
	f.Add("timeout", "9999999999999999999h")
	f.Fuzz(func(t *testing.T, key, value string) {
		p := Definition{Type: "x", Metadata: map[string]string{key: value, "required": "r", "target": "1"}}.Params()
		got := readAll(p)
		if p.Err() == nil && (math.IsNaN(got.number) || math.IsInf(got.number, 0) || got.timeout <= 0 || got.whole < 1) {
			t.Errorf("%q: %q was taken as %+v", key, value, got)
		}
	})
}
