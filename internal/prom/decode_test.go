package prom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/prometheus/common/model"
)

// smallDecoder is one whose shared strings meet. Its buffer is new, and so small that it ends within tokens.
func smallDecoder() *decoder {
	return &decoder{shared: make([]string, 4), seed: maphash.MakeSeed()}
}

// decodeResult reads an answer to a query by the decoder.
func decodeResult(src io.Reader) (r result, e envelope, err error) {
	d := smallDecoder()
	d.reset(src)
	e, err = d.envelope(func() (err error) { r, err = d.result(); return err })
	if err == nil && e.status != "success" {
		err = fmt.Errorf("%s: %s", e.errorType, e.message)
	}
	return r, e, err
}

func vectorOf(rows string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[` + rows + `]}}`
}

// row prints a row on one line.
func (r Row) String() string {
	var b strings.Builder
	for _, l := range r.Labels {
		fmt.Fprintf(&b, "%s=%q ", l.Name, l.Value)
	}
	fmt.Fprintf(&b, "%v @%d", r.Value, r.TimestampMillis)
	if r.Histogram {
		b.WriteString(" histogram")
	}
	return b.String()
}

func TestDecodeVector(t *testing.T) {
	for name, c := range map[string]struct{ rows, want string }{
		"plain":                      {`{"metric":{"a":"1","b":"2"},"value":[1700000000.781,"1.5"]}`, `[a="1" b="2" 1.5 @1700000000781]`},
		"no labels":                  {`{"metric":{},"value":[1,"1e3"]}`, `[1000 @1000]`},
		"no metric":                  {`{"value":[0.1,"-0"]},{"metric":null,"value":[-1.25,"2"]}`, `[-0 @100 2 @-1250]`},
		"no numbers":                 {`{"metric":{},"value":[1,"NaN"]},{"value":[1.5,"+Inf"]},{"value":[1.57,"-Inf"]}`, `[NaN @1000 +Inf @1500 -Inf @1570]`},
		"more than milliseconds":     {`{"value":[1.2349,"1"]}`, `[1 @1234]`},
		"escapes":                    {`{"metric":{"\u0061b":"\"\\\n\u00e9\ud83d\ude00\ud800"},"value":[1,"1"]}`, `[ab="\"\\\né😀�" 1 @1000]`},
		"wide characters":            {`{"metric":{"größe":"日本"},"value":[1,"1"]}`, `[größe="日本" 1 @1000]`},
		"bytes that are no UTF-8":    {"{\"metric\":{\"a\":\"x\xff\"},\"value\":[1,\"1\"]}", `[a="x�" 1 @1000]`},
		"a label that stands twice":  {`{"metric":{"b":"1","a":"2","b":"3"},"value":[1,"1"]}`, `[a="2" b="3" 1 @1000]`},
		"labels out of order":        {`{"metric":{"c":"1","b":"2","a":"3"},"value":[1,"1"]}`, `[a="3" b="2" c="1" 1 @1000]`},
		"unknown keys":               {`{"x":{"y":[1,-2.5e-7,true,false,null,{}]},"metric":{},"z":"\u0041","value":[1,"1"]}`, `[1 @1000]`},
		"white space":                {" { \"metric\" : {\n\"a\" :\t\"1\" } , \"value\" : [ 1 , \"1\" ] } \r", `[a="1" 1 @1000]`},
		"a histogram":                {`{"metric":{},"histogram":[1,{"count":"3","sum":"4.5","buckets":[[0,"0","1","3"]]}]}`, `[NaN @1000 histogram]`},
		"a histogram beside a value": {`{"histogram":[1,{"count":"3","sum":"4"}],"value":[2,"7"]}`, `[NaN @1000 histogram]`},
	} {
		r, _, err := decodeResult(strings.NewReader(vectorOf(c.rows)))
		if got := fmt.Sprint(r.rows); err != nil || got != c.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", name, got, err, c.want)
		}
	}
}

func TestDecodeEnvelope(t *testing.T) {
	const rows = `[{"metric":{},"value":[1,"1"]}]`
	for name, c := range map[string]struct{ body, want string }{
		"warnings and infos":  {`{"status":"success","data":{"resultType":"vector","result":` + rows + `},"warnings":["w"],"infos":["i","j"]}`, `[1 @1000] [w] [i j]`},
		"the type comes last": {`{"data":{"result":` + rows + `,"resultType":"vector"},"status":"success"}`, `[1 @1000] [] []`},
		"nulls":               {`{"status":"success","error":null,"errorType":null,"warnings":null,"infos":null,"data":{"resultType":"vector","result":null}}`, `[] [] []`},
		"VictoriaMetrics":     {`{"status":"success","isPartial":true,"data":{"resultType":"vector","result":` + rows + `},"stats":{"seriesFetched":"1"}}`, `[1 @1000] [the server says that the answer is partial (isPartial)] []`},
		"all of it there":     {`{"status":"success","isPartial":false,"data":{"resultType":"vector","result":` + rows + `}}`, `[1 @1000] [] []`},
	} {
		r, e, err := decodeResult(strings.NewReader(c.body))
		if got := fmt.Sprint(r.rows, e.warnings, e.infos); err != nil || got != c.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", name, got, err, c.want)
		}
	}
}

// What could have two meanings is an error, and so is a sample that lacks something: never zero.
func TestDecodeRefuses(t *testing.T) {
	for in, says := range map[string]string{
		`{"metric":{}}`:                                      "a series without a value",
		`{"metric":{},"value":null}`:                         `'n' where '[' is due`,
		`{"metric":{},"value":[10]}`:                         "without a time or a value",
		`{"metric":{},"value":[]}`:                           "without a time or a value",
		`{"metric":{},"value":[10,""]}`:                      `a value that is no number: ""`,
		`{"metric":{},"value":[10,null]}`:                    "a string is due",
		`{"metric":{},"value":[10,5]}`:                       "a string is due",
		`{"metric":{},"value":[10,"5","6"]}`:                 "more than a time and a value",
		`{"metric":{},"value":[1.7e9,"5"]}`:                  "a time that cannot be read",
		`{"metric":{},"value":[12345678901234567890,"5"]}`:   "a time that cannot be read",
		`{"metric":{},"value":["10","5"]}`:                   "a number is due",
		`{"metric":{},"value":[01,"5"]}`:                     "at byte 83: invalid character '1' after array element",
		`{"metric":{},"value":[10,"1e999"]}`:                 "no number",
		`{"metric":{},"value":[10,"\u0031"]}`:                "no number",
		`{"metric":{},"value":[1,"1"],"value":[1,"2"]}`:      `the key "value" stands twice`,
		`{"metric":{},"metric":{"a":"b"},"value":[1,"1"]}`:   `the key "metric" stands twice`,
		`{"metric":{},"value":[1,"1"],"Value":[1,"2"]}`:      `the key "Value" must be "value"`,
		`{"metric":{"a":null},"value":[1,"1"]}`:              "a string is due",
		`{"metric":[],"value":[1,"1"]}`:                      `'[' where '{' is due`,
		`{"histogram":null}`:                                 "a histogram that cannot be read",
		`{"histogram":[1,{"count":"x"}]}`:                    "a histogram that cannot be read",
		`null`:                                               `'n' where '{' is due`,
		`{"value":[1,"1"]},`:                                 "at byte 77: invalid character ','",
		`{"value":[1,"1"]} {"value":[1,"1"]}`:                "invalid character '{' after array element",
		`{"value":[1,"1"],"x":tru}`:                          "in literal true",
		`{"value":[1,"1"],"x":+1}`:                           "invalid character '+'",
		`{"value":[1,"1"],"x":"\x"}`:                         "invalid escape sequence",
		"{\"value\":[1,\"1\"],\"x\":\"\n\"}":                 "non-control character",
		`{"value":[1,"1"],"x":` + strings.Repeat("[", 20000): "exceeded max depth",
		`{"value":[1,"1"]`:                                   "a string is due",
	} {
		_, _, err := decodeResult(strings.NewReader(vectorOf(in)))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80s: got %v, want %s", in, err, says)
		}
	}
	for in, says := range map[string]string{
		vectorOf("") + "x":               "invalid character 'x'",
		vectorOf("") + "1":               "'0' behind the end",
		vectorOf("")[:40]:                "it breaks off",
		`{"status":"success"}`:           "no data",
		`{"status":"success","data":{}}`: "data without a result",
		`{"status":"success","data":{"resultType":"vector"}}`:                                                 "data without a result",
		`{"status":"success","data":null}`:                                                                    `'n' where '{' is due`,
		`{"status":null,"data":{"resultType":"vector","result":[]}}`:                                          "not JSON of Prometheus's API",
		`{"status":"success","data":{"resultType":"vector","result":[],"result":[]}}`:                         "stands twice",
		`{"status":"success","status":"success","data":{"resultType":"vector","result":[]}}`:                  "stands twice",
		`{"status":"success","data":{"resultType":"cube","result":[]}}`:                                       `unknown result type "cube"`,
		`{"status":"success","data":{"resultType":"scalar","result":[1]}}`:                                    "error parsing sample value",
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2]]}]}}`: "without a time or a value",
		`{"status":"success","data":{"resultType":"vector","result":[]},"warnings":"w"}`:                      "is due",
		`{"status":"error","errorType":"execution","error":"no","data":{"resultType":"vector","result":[]}}`:  "execution: no",
		`{"status":"error","errorType":"execution","error":"no","data":null}`:                                 "execution: no",
		`{"status":"error","data":{"resultType":"","result":[]},"errorType":"execution","error":"no"}`:        "execution: no",
		``:   "not JSON",
		`[]`: "not JSON",
	} {
		_, _, err := decodeResult(strings.NewReader(in))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %s", in, err, says)
		}
	}
}

func TestDecodeKeepsNoMoreThanOneToken(t *testing.T) {
	d := newDecoder()
	d.reset(bytes.NewReader(podVector(5000)))
	if _, err := d.envelope(func() error { _, err := d.result(); return err }); err != nil {
		t.Fatal(err)
	}
	if d.passed < 500_000 || d.most > 8<<10 {
		t.Errorf("of %d bytes %d were held at once", d.passed, d.most)
	}
}

// agree checks that what the decoder makes of a text is what the plain way makes of it, or an error; however
// the text arrives. It tells whether it was understood.
func agree(t *testing.T, body string) bool {
	t.Helper()
	r, e, err := decodeResult(strings.NewReader(body))
	r1, e1, err1 := decodeResult(iotest.OneByteReader(strings.NewReader(body)))
	if (err == nil) != (err1 == nil) || err == nil && fmt.Sprint(r.rows, r.matrix, e) != fmt.Sprint(r1.rows, r1.matrix, e1) {
		t.Fatalf("%q: at once %v %v %v, byte by byte %v %v %v", body, r.rows, e, err, r1.rows, e1, err1)
	}
	if err == nil {
		plain, plainErr := plainQuery([]byte(body))
		if plainErr != nil {
			t.Fatalf("%q: got %v, and plainly it is %v", body, r.rows, plainErr)
		}
		if got, want := fmt.Sprintf("%T %s", r.value(), r.value()), fmt.Sprintf("%T %s", plain.Value, plain.Value); got != want {
			t.Fatalf("%q:\n got %s\nwant %s", body, got, want)
		}
		if !slices.Equal(e.warnings, plain.Warnings) && !strings.Contains(body, "Partial") || !slices.Equal(e.infos, plain.Infos) {
			t.Fatalf("%q: warnings %q %q, want %q %q", body, e.warnings, e.infos, plain.Warnings, plain.Infos)
		}
	}
	agreeOnLists(t, body)
	return err == nil
}

func agreeOnLists(t *testing.T, body string) {
	t.Helper()
	d := smallDecoder()
	var texts []string
	d.reset(strings.NewReader(body))
	if e, err := d.envelope(func() (err error) { texts, err = d.texts(); return err }); err == nil && e.status == "success" {
		if plain, plainErr := plainTexts([]byte(body)); plainErr != nil || !slices.Equal(texts, plain) {
			t.Fatalf("%q: got %q, want %q %v", body, texts, plain, plainErr)
		}
	}
	var sets []model.LabelSet
	d.reset(strings.NewReader(body))
	if e, err := d.envelope(func() (err error) { sets, err = d.sets(); return err }); err == nil && e.status == "success" {
		if plain, plainErr := plainSets([]byte(body)); plainErr != nil || fmt.Sprint(sets) != fmt.Sprint(plain) {
			t.Fatalf("%q: got %v, want %v %v", body, sets, plain, plainErr)
		}
	}
}

// Five thousand random answers of the API, written in many ways, all of which must be understood.
func TestDecodeAgreesWithThePlainWay(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		if body := randomAnswer(r); !agree(t, body) {
			t.Fatalf("not understood: %s", body)
		}
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func randomText(r *rand.Rand) string {
	s := pick(r, "", "a", "pod", "web-1", "größe", "日本😀", "x\ny\"\\", "\x00\x7f", "<&>\u2028", strings.Repeat("long", r.IntN(60)))
	text, _ := json.Marshal(s)
	if r.IntN(3) == 0 {
		var escaped strings.Builder
		for _, c := range s {
			if c < 0x10000 {
				fmt.Fprintf(&escaped, `\u%04x`, c)
			}
		}
		return `"` + escaped.String() + `"`
	}
	return string(text)
}

func randomLabels(r *rand.Rand) string {
	var labels []string
	for i := range r.IntN(5) {
		name := randomText(r)
		if name == `""` {
			name = fmt.Sprintf(`"l%d"`, i)
		}
		labels = append(labels, name+":"+randomText(r))
	}
	return "{" + strings.Join(labels, ", ") + "}"
}

func randomPair(r *rand.Rand) string {
	at := pick(r, "0", "-1.5", "1700000000", "1700000000.7", "1700000000.781", "1.23456789", "-0.25")
	value := pick(r, "NaN", "+Inf", "-Inf", "0", "-0", "1", "0.1", "1e-300", "1.7976931348623157e+308", fmt.Sprint(math.Float64frombits(r.Uint64())))
	return fmt.Sprintf(`[%s,%q]`, at, value)
}

const randomHistogram = `[1.5,{"count":"3","sum":"-4.5","buckets":[[0,"0.5","1","2"],[3,"1","2","1"]]}]`

func randomAnswer(r *rand.Rand) string {
	kind := pick(r, "vector", "vector", "matrix", "scalar", "string")
	var series []string
	for range r.IntN(4) {
		keys := []string{`"metric":` + randomLabels(r)}
		switch {
		case kind == "vector" && r.IntN(4) == 0:
			keys = append(keys, `"histogram":`+randomHistogram)
		case kind == "vector":
			keys = append(keys, `"value":`+randomPair(r))
		case r.IntN(2) == 0:
			keys = append(keys, `"values":[`+randomPair(r)+` , `+randomPair(r)+`]`)
		default:
			keys = append(keys, `"values":[]`, `"histograms":[`+randomHistogram+`]`)
		}
		series = append(series, randomObject(r, keys))
	}
	data := "[" + strings.Join(series, ",") + "]"
	switch kind {
	case "scalar":
		data = randomPair(r)
	case "string":
		data = `[1.5,` + randomText(r) + `]`
	}
	keys := []string{`"status":"success"`, `"data":` + randomObject(r, []string{`"resultType":"` + kind + `"`, `"result":` + data})}
	if r.IntN(4) == 0 {
		keys = append(keys, `"warnings":[`+randomText(r)+`]`, `"infos":[`+randomText(r)+`,"i"]`)
	}
	return pick(r, "", " ", "\n") + randomObject(r, keys) + pick(r, "", "\n")
}

// randomObject puts the keys in any order, with others and white space between.
func randomObject(r *rand.Rand, keys []string) string {
	if r.IntN(3) == 0 {
		keys = append(keys, pick(r, `"x":null`, `"stats":{"a":[1,2.5e3,"b"],"c":{}}`, `"y" : [ true,false ]`))
	}
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return "{" + pick(r, "", " ") + strings.Join(keys, pick(r, ",", " , ", ",\n")) + pick(r, "", " ") + "}"
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		f.Add(randomAnswer(r))
	}
	f.Add(`{"status":"success","data":["a","b\u00e9"]}`)
	f.Add(`{"status":"success","data":[{"__name__":"up","a":"b"}]}`)
	f.Add(`{"status":"error","errorType":"bad_data","error":"no"}`)
	f.Add(`{"status":"success","data":{"result":[{"metric":{},"value":[1]}],"resultType":"vector"}}`)
	f.Fuzz(func(t *testing.T, body string) { agree(t, body) })
}
