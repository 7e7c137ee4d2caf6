package merge_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/trimtab/trimtab/adapter/merge"
)

// FuzzGrammar is TestMergedEqualsExact with seeds without end.
func FuzzGrammar(f *testing.F) {
	plain, delayed := newEngine(f, false), newEngine(f, true)
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, seed, data uint64) {
		r := rand.New(rand.NewPCG(seed, data))
		tr := trial{engine: plain, dims: randomDimensions(r), store: randomStore(rand.New(rand.NewPCG(data%64, 5)))}
		if seed%2 == 0 {
			tr.engine = delayed
		}
		for range 20 {
			tr.text = grammar{r, tr.dims, 25}.vector(1 + r.IntN(4))
			form, err := merge.Prove(tr.text, tr.dims)
			if err != nil {
				continue
			}
			tr.form = form
			if _, err := tr.check(t.Context()); err != nil && !errors.Is(err, errUnknown) {
				t.Fatal(err)
			}
		}
	})
}

// FuzzText: whatever stands in a query, it is refused on one printable line, or the common query answers as
// each request's own does.
func FuzzText(f *testing.F) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 9))
		f.Add(grammar{r, randomDimensions(r), 25}.vector(1 + r.IntN(3)))
	}
	f.Add(`sum by (pod) ({"x", "namespace"='<namespace>', pod="<pod>"}) # <namespace>`)
	engine := newEngine(f, false)
	s := randomStore(rand.New(rand.NewPCG(1, 5)))
	r := rand.New(rand.NewPCG(1, 1))
	var all [][]merge.Dimension
	for range 40 {
		all = append(all, randomDimensions(r))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, dims := range all[:1+len(text)%len(all)] {
			form, err := merge.Prove(text, dims)
			if err != nil {
				if strings.ContainsFunc(err.Error(), func(c rune) bool { return !unicode.IsPrint(c) }) {
					t.Fatalf("a refusal is not one printable line: %q", err)
				}
				continue
			}
			if form.Window().Hours() > 1 || strings.Contains(text, "ms") {
				continue // long and fine subqueries only try the engine's limits
			}
			tr := trial{engine: engine, store: s, text: text, dims: dims, form: form}
			if _, err := tr.check(t.Context()); err != nil && !errors.Is(err, errUnknown) {
				t.Fatal(err)
			}
			return
		}
	})
}

// FuzzValues: whatever the values, the query matches them and nothing can end the literal they stand in.
func FuzzValues(f *testing.F) {
	f.Add("a", "b.c")
	f.Add(`a"} or vector(0) #`, "|")
	f.Add("\xff", "")
	f.Add("\x95", "\xdf")
	f.Fuzz(func(t *testing.T, one, two string) {
		form, err := merge.Prove(`sum(x{namespace="<namespace>"})`, []merge.Dimension{{Label: "namespace", Sentinel: "<namespace>"}})
		if err != nil {
			t.Fatal(err)
		}
		checkMatcher(t, form.Query(map[string][]string{"namespace": {one, two}}), one, two)
		checkMatcher(t, form.Query(map[string][]string{"namespace": {one}}), one)
	})
}
