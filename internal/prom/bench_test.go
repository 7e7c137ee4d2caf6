package prom

import (
	"bytes"
	"fmt"
	"testing"
)

// podVector is the answer to a query over pods: three labels; two of them repeat.
func podVector(pods int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"status":"success","data":{"resultType":"vector","result":[`)
	for i := range pods {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"metric":{"container":"app","namespace":"team-%d","pod":"web-7d4b9c6f5d-%05d"},"value":[1700000000.781,"%d.%d"]}`, i/100, i, i, i%1000)
	}
	b.WriteString(`]}}`)
	return b.Bytes()
}

func podNames(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"status":"success","data":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"web-7d4b9c6f5d-%05d"`, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func podSeries(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"status":"success","data":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"__name__":"http_requests_total","namespace":"team-%d","pod":"web-7d4b9c6f5d-%05d","code":"200"}`, i/100, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// BenchmarkDecode reads answers from memory, as the client does and in the plain way. An answer of a query
// that is asked again and again meets strings that the decoder has seen; the first one is measured as "cold".
func BenchmarkDecode(b *testing.B) {
	vector, names, series := podVector(10_000), podNames(100_000), podSeries(10_000)
	d := newDecoder()
	read := func(body []byte, data func() error) func() error {
		return func() error {
			d.reset(bytes.NewReader(body))
			_, err := d.envelope(data)
			return err
		}
	}
	var r result
	lean := func() (err error) { r, err = d.result(); return err }
	for _, c := range []struct {
		name string
		size int
		f    func() error
	}{
		{"vector of 10000 pods/plain", len(vector), func() error { _, err := plainQuery(vector); return err }},
		{"vector of 10000 pods/Query", len(vector), func() error { err := read(vector, lean)(); r.value(); return err }},
		{"vector of 10000 pods/QueryVector", len(vector), read(vector, lean)},
		{"vector of 10000 pods/QueryVector cold", len(vector), func() error { d = newDecoder(); return read(vector, lean)() }},
		{"100000 label values/plain", len(names), func() error { _, err := plainTexts(names); return err }},
		{"100000 label values/LabelValues", len(names), read(names, func() error { _, err := d.texts(); return err })},
		{"10000 series/plain", len(series), func() error { _, err := plainSets(series); return err }},
		{"10000 series/Series", len(series), read(series, func() error { _, err := d.sets(); return err })},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(c.size))
			for b.Loop() {
				if err := c.f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
