package param

import (
	"fmt"
	"math"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// all has a parameter of each type, and a key of each kind that is not read.
type all struct {
	text, required, secret, tls string
	number, target              float64
	whole                       int64
	yes                         bool
	timeout                     time.Duration
	pairs                       map[string]string
	words, modes                []string
	address, url                Address
}

func (a *all) table() Table {
	return Table{
		{Name: "text", To: &a.text, Default: "absent", About: "a text"},
		{Name: "required", Aliases: []string{"demanded"}, To: &a.required, Required: true},
		{Name: "secret", From: Metadata + Env + Auth, To: &a.secret, Secret: true},
		{Name: "tls", From: Auth, To: &a.tls, OneOf: []string{"enable", "disable"}},
		{Name: "number", To: &a.number, Default: "2"},
		{Name: "target", To: &a.target, Range: AtLeast(0.001), Required: true},
		{Name: "whole", To: &a.whole, Default: "5", Range: Between(1, 9)},
		{Name: "yes", To: &a.yes, Default: "true"},
		{Name: "timeout", To: &a.timeout, Default: "1s"},
		{Name: "pairs", To: &a.pairs, Secret: true},
		{Name: "words", To: &a.words},
		{Name: "modes", From: Metadata + Auth, To: &a.modes, OneOf: []string{"basic", "bearer", "custom"}, Exclusive: []string{"basic", "bearer"}},
		{Name: "address", From: Metadata + Auth + Env, To: &a.address},
		{Name: "url", To: &a.url, Schemes: []string{"http", "https"}},
		{Name: "metricName", Ignored: "is ignored, as by KEDA since 2.12"},
		{Name: "region", From: Metadata + Auth, Refused: "is not supported: requests are not signed"},
		{Name: "length", To: &a.whole, Converted: "is whole, as for KEDA since 2.6"},
	}
}

func parse(v Values) (all, *Parsed) {
	var a all
	if v.Of == "" {
		v.Of = "t"
	}
	p := a.table().Parse(v)
	return a, p
}

func TestValuesAreTrimmedAndEmptyOnesCountAsAbsent(t *testing.T) {
	t.Parallel()
	got, p := parse(Values{
		Metadata: map[string]string{
			"text": "  ", "demanded": " r ", "required": " ", "number": " 1.5 ", "target": "0.001", "whole": "9", "yes": "false", "timeout": "1500",
			"pairs": "a=b=c, d = e", "words": " a ,,b", "modes": "custom,basic", "address": " redis:6379 ", "url": "https://x/y?a=geheim",
		},
		Auth: map[string]string{"secret": " s\n", "unrelated": "x", "tls": "enable"},
	})
	if err := p.Err(); err != nil || len(p.Warnings()) > 0 {
		t.Fatal(err, p.Warnings())
	}
	want := all{
		text: "absent", required: "r", secret: "s", tls: "enable", number: 1.5, target: 0.001, whole: 9, timeout: 1500 * time.Millisecond,
		pairs: map[string]string{"a": "b=c", "d": "e"}, words: []string{"a", "b"}, modes: []string{"custom", "basic"},
		address: Address{Value: "redis:6379", Shown: "redis:6379"}, url: Address{Value: "https://x/y?a=geheim", Shown: "https://x/y"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

// Where a value stands twice, the order of the row decides, as for KEDA.
func TestOriginsAreTriedInTheOrderOfTheRow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ metadata, env, auth, secret, address string }{
		{"m", "e", "a", "m", "m"},
		{"", "e", "a", "e", "a"},
		{"", "e", "", "e", "e"},
		{" ", "", "a", "a", "a"},
		{"", "", "", "", ""},
	} {
		got, p := parse(Values{
			Metadata: map[string]string{
				"required": "r", "target": "1", "secret": c.metadata, "address": c.metadata, "secretFromEnv": "V", "addressFromEnv": " V ",
			},
			Env: map[string]string{"V": c.env}, Auth: map[string]string{"secret": c.auth, "address": c.auth},
		})
		if p.Err() != nil || len(p.Warnings()) > 0 || got.secret != c.secret || got.address.Value != c.address {
			t.Errorf("%+v: read %q and %+v, %v %v", c, got.secret, got.address, p.Err(), p.Warnings())
		}
	}
}

func TestAllProblemsAndWarningsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, p := parse(Values{
		Of: `trigger 2 (x, "n")`, AuthName: "shop/auth", Auth: map[string]string{"tls": "geheim", "region": "eu", "metricName": "x"},
		Metadata: map[string]string{
			"number": "Inf", "whole": "10", "yes": "perhaps", "timeout": "-1s", "pairs": "geheim", "secretFromEnv": "A", "modes": "basic, odd, bearer",
			"tetx": "v", "tls": "enable", "metricName": "m", "length": "1", "textFromEnv": "A", "words": "",
		},
	})
	const at = `trigger 2 (x, "n"): `
	wrong := []string{
		"required: is required",
		"secretFromEnv: would be read from the environment of the workload's container, which trimtab does not do; write secret, or put it in a TriggerAuthentication with a secretTargetRef",
		"tls: the value from the parameter tls of TriggerAuthentication shop/auth is not supported; supported: enable, disable",
		`number: "Inf" is not a number`,
		"target: is required",
		`whole: "10" is not between 1 and 9`,
		`yes: "perhaps" is not true or false`,
		`timeout: "-1s" is not a duration such as 5s, nor a number of milliseconds`,
		"pairs: one of its items is not name=value (the value is not shown: it may be a credential)",
		`modes: "odd" is not supported; supported: basic, bearer, custom`,
	}
	want := at + strings.Join(wrong, "\n"+at) + "\nand 2 more" // basic beside bearer, and region
	if got := p.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	warnings := []string{
		"metricName: is ignored, as by KEDA since 2.12",
		"length: is whole, as for KEDA since 2.6",
		"textFromEnv: is ignored, as by KEDA: it is read from the metadata only",
		"tls: is ignored, as by KEDA: it is read from the authentication only",
		`tetx: unknown parameter, ignored as by KEDA; did you mean "text"?`,
	}
	if got, want := strings.Join(p.Warnings(), "\n"), at+strings.Join(warnings, "\n"+at); got != want {
		t.Errorf("warnings\n%s\nwant\n%s", got, want)
	}
	if !p.Wrong("whole") || p.Wrong("text") {
		t.Error("the parameters with problems are others")
	}
}

func TestWhatIsWrongWithOneValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, value, problem, warning string }{
		{"target", "0", `target: "0" must be at least 0.001`, ""},
		{"target", "-3", `target: "-3" must be at least 0.001`, ""},
		{"target", "NaN", `target: "NaN" is not a number`, ""},
		{"demanded", "x", "", ""},
		{"whole", "5.5", `whole: "5.5" is not a whole number`, ""},
		{"timeout", "0", "", ""},
		{"timeout", "5", "", ""},
		{"timeout", "9223372036854", "", ""},
		{"timeout", "9223372036855", `timeout: "9223372036855" is not a duration such as 5s, nor a number of milliseconds`, ""},
		{"timeout", "-9223372036855", `timeout: "-9223372036855" is not a duration such as 5s, nor a number of milliseconds`, ""},
		{"timeout", "soon", `timeout: "soon" is not a duration such as 5s, nor a number of milliseconds`, ""},
		{"modes", "basic,bearer", "modes: basic and bearer exclude each other; keep one of them", ""},
		{"number", "u:geheim@5", `number: "5" is not a number`, ""},
		{"pairs", "a=b,a=c,a=d", "", "pairs: a name in it stands twice, and the last one counts, as for KEDA (not shown: it may be a credential)"},
		{"url", "localhost:9090", "url: must begin with http:// or https://", ""},
		{"url", "http://u:geheim@x", "url: must not hold credentials; put them in a TriggerAuthentication", ""},
		{"url", "http://", "url: names no host", ""},
		{"url", "http://\x00", "url: is not a URL", ""},
		{"region", "eu", "region: is not supported: requests are not signed", ""},
		{"zzzzzzzzzzzzzzzzzz", "geheim", "", "zzzzzzzzzzzzzzzzzz: unknown parameter, ignored as by KEDA; known here: text, required, demanded, secret, number"},
	} {
		v := Values{Metadata: map[string]string{"required": "r", "target": "1"}}
		v.Metadata[c.key] = c.value
		_, p := parse(v)
		got := ""
		if err := p.Err(); err != nil {
			got = strings.TrimPrefix(err.Error(), "t: ")
		}
		if got != c.problem {
			t.Errorf("%s: %s: got %q, want %q", c.key, c.value, got, c.problem)
		}
		if got := strings.Join(p.Warnings(), "\n"); (got == "") != (c.warning == "") || !strings.HasPrefix(strings.TrimPrefix(got, "t: "), c.warning) {
			t.Errorf("%s: %s: warns %q, want %q", c.key, c.value, got, c.warning)
		}
	}
}

// A parameter that is missing may be there under a misspelled name.
func TestAMissingParameterMayBeMisspelled(t *testing.T) {
	t.Parallel()
	_, p := parse(Values{Metadata: map[string]string{"requred": "r", "Targets": "1", "other": ""}})
	const want = `t: required: is required; the unknown parameter "requred" may be meant for it
t: target: is required; the unknown parameter "Targets" may be meant for it`
	if got := p.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Thousands of keys that nothing reads are one line of ten, and the keys that are read stand in it once.
func TestUnknownKeysAreToldTogether(t *testing.T) {
	t.Parallel()
	v := Values{Metadata: map[string]string{"required": "r", "target": "1"}}
	for i := range 5000 {
		v.Metadata[fmt.Sprintf("key%04d", i)] = "geheim"
	}
	v.Metadata[strings.Repeat("ä", 1<<20)] = ""
	_, p := parse(v)
	want := "t: key0000, key0001, key0002, key0003, key0004, key0005, key0006, key0007, key0008, key0009, and 4991 more: unknown parameters, ignored as by KEDA; " +
		"known here: text, required, demanded, secret, number, target, whole, yes, timeout, pairs, words, modes, address, url, length"
	if got := p.Warnings(); p.Err() != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %.2000s\nwant %s", got, want)
	}
}

// A problem has a part of a long value.
func TestProblemsAreShort(t *testing.T) {
	t.Parallel()
	v := Values{Metadata: map[string]string{"words": strings.Repeat("a,", 1<<20)}}
	for _, key := range []string{"number", "target", "whole", "yes", "timeout", "pairs", "modes", "address", "url"} {
		v.Metadata[key] = strings.Repeat("ä=,", 5<<10)
	}
	_, p := parse(v)
	if got := p.Err().Error(); len(got) > 10*300 || len(p.Warnings()) > 2 {
		t.Errorf("%d bytes, %d warnings: %.2000s", len(got), len(p.Warnings()), got)
	}
}

// What may be in the authentication is not missed while nobody knows it; what may stand in the metadata alone is.
func TestWhatIsNotKnownIsNotMissed(t *testing.T) {
	t.Parallel()
	var a all
	table := Table{{Name: "password", From: Metadata + Auth + Env, To: &a.secret, Required: true}, {Name: "query", To: &a.text, Required: true}}
	for _, unknown := range []bool{false, true} {
		p := table.Parse(Values{Of: "t", AuthUnknown: unknown})
		want := "t: query: is required"
		if !unknown {
			want = "t: password: is required\n" + want
		}
		if got := p.Err().Error(); got != want {
			t.Errorf("unknown %v: %s", unknown, got)
		}
	}
	if p := table.Parse(Values{Of: "t", AuthUnknown: true, Metadata: map[string]string{"query": "q", "passwordFromEnv": "P"}}); p.Err() != nil {
		t.Errorf("the authentication may have it, which comes first: %v", p.Err())
	}
}

// The secrets are those of the authentication, the environment, secret rows and addresses, wherever they stand.
func TestSecretsAreCollected(t *testing.T) {
	t.Parallel()
	_, p := parse(Values{
		Auth: map[string]string{"address": "redis://:from-auth-1@host", "unread": "from-auth-2"}, AuthName: "shop/auth", Env: map[string]string{"V": "from-env-1"},
		Metadata: map[string]string{
			"secret": "from-data-1", "pairs": "X-Token=from-data-2", "text": "redis://u:from-data-3@h:1/?t=from-data-4", "tls": "from-data-5",
			"url": "from-data-6:from-data-7@x", "addressFromEnv": "V",
		},
	})
	secrets := p.Secrets()
	for _, secret := range []string{"from-auth-1", "from-auth-2", "from-data-1", "from-data-2", "from-data-3", "from-data-4", "from-data-5", "from-data-6", "from-data-7"} {
		if got := secrets.Hide("it is " + secret); got != "it is (secret)" {
			t.Errorf("%s is shown: %s", secret, got)
		}
		if err := p.Err(); strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprint(p.Warnings()), secret) {
			t.Errorf("%s is told", secret)
		}
	}
}

// Lists have the separators and ranges of KEDA's tables; a range is bounded, however short it is written.
func TestLists(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, value, want, problem string }{
		{"partitions", "1-4, 8", "[1 2 3 4 8] [] map[]", ""},
		{"partitions", "8", "[8] [] map[]", ""},
		{"partitions", "0-99999", "", ""},
		{"partitions", "3-3,3", "[3 3] [] map[]", ""},
		{"partitions", "0-100000", "", `partitions: "0-100000" is too long; 100000 numbers are allowed`},
		{"partitions", "1,0-99999", "", `partitions: "0-99999" is too long; 100000 numbers are allowed`},
		{"partitions", "0-9223372036854775807", "", `partitions: "0-9223372036854775807" is too long; 100000 numbers are allowed`},
		{"partitions", "9223372036854775807", "[9223372036854775807] [] map[]", ""},
		{"partitions", "4-1", "", `partitions: "4-1" begins above its end`},
		{"partitions", "-1", "", `partitions: "-1" is not a whole number, nor a range such as 1-4`},
		{"partitions", "1,,2", "", `partitions: "" is not a whole number, nor a range such as 1-4`},
		{"names", "a,b; c", "[] [a,b c] map[]", ""},
		{"query", "a=geheim-1%26&a=y", "[] [] map[a:[geheim-1& y]]", ""},
		{"query", "a=geheim-1%zz", "", "query: is not name=value&name=value, with % and two digits for odd characters (not shown: it may be a credential)"},
	} {
		var partitions []int64
		var names []string
		var query url.Values
		p := Table{
			{Name: "partitions", To: &partitions, Ranges: "-"}, {Name: "names", To: &names, Separator: ";"}, {Name: "query", To: &query, Secret: true},
		}.Parse(Values{Of: "t", Metadata: map[string]string{c.key: c.value}})
		problem := ""
		if err := p.Err(); err != nil {
			problem = strings.TrimPrefix(err.Error(), "t: ")
		}
		if problem != c.problem {
			t.Errorf("%s: %s: got %q, want %q", c.key, c.value, problem, c.problem)
		}
		if got := fmt.Sprint(partitions, names, query); c.want != "" && got != c.want {
			t.Errorf("%s: %s: got %s, want %s", c.key, c.value, got, c.want)
		}
		secrets := p.Secrets()
		if shown := secrets.Hide("x geheim-1& x"); c.problem == "" && c.key == "query" && strings.Contains(shown, "geheim") {
			t.Errorf("what is encoded is shown: %s", shown)
		}
	}
	page := Table{{Name: "a", To: new([]int64), Ranges: "-"}, {Name: "b", To: new([]string), Separator: ";"}, {Name: "c", To: new(url.Values)}}.Markdown()
	for _, want := range []string{"comma-separated list of whole numbers, and of ranges such as 1-4 |", "list separated by `;` |", "encoded as the query of a URL |"} {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %s in\n%s", want, page)
		}
	}
}

func TestMarkdownHasARowForEachParameter(t *testing.T) {
	t.Parallel()
	page := (&all{}).table().Markdown()
	for _, want := range []string{
		"| `text` | metadata | text | `absent` | a text |",
		"| `required`, `demanded` | metadata | text | required |  |",
		"| `secret` | metadata, `secretFromEnv`, authentication | text | none | ; never shown |",
		"| `tls` | authentication | text: `enable`, `disable` | none |  |",
		"| `target` | metadata | number, at least 0.001 | required |  |",
		"| `whole` | metadata | whole number, 1 to 9 | `5` |  |",
		"| `url` | metadata | URL (http, https) | none |  |",
		"| `metricName` | is ignored, as by KEDA since 2.12 |",
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("there is no line %s in\n%s", want, page)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("pairs", "a=b,,c")
	f.Add("timeout", "9999999999999999999h")
	f.Add("secretFromEnv", "A")
	f.Fuzz(func(t *testing.T, key, value string) {
		v := Values{Of: "t", Metadata: map[string]string{"required": "r", "target": "1"}}
		v.Metadata[key] = value
		got, p := parse(v)
		if p.Err() == nil && (math.IsNaN(got.number) || math.IsInf(got.number, 0) || got.target < 0.001 || got.timeout < 0 || got.whole < 1 && key != "length") {
			t.Errorf("%q: %q was taken as %+v", key, value, got)
		}
	})
}
