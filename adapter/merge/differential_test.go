package merge_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/trimtab/trimtab/adapter/merge"
	"github.com/trimtab/trimtab/internal/verdict"
)

// trial asks one accepted query for every combination of values, and asks the common query, of the same data.
type trial struct {
	engine *promql.Engine
	store  store
	text   string
	dims   []merge.Dimension
	form   *merge.Form
	// keep compares with the labels that the merging added.
	keep bool
}

// errUnknown tells that the engine's limits, not the query, kept it from answering.
var errUnknown = errors.New("the engine's limits were met")

// check returns how many rows were compared.
func (tr trial) check(ctx context.Context) (int, error) {
	compared := 0
	all, allErr := ask(ctx, tr.engine, tr.store, tr.form.Query(nil))
	for _, request := range requests(tr.dims) {
		own := write(tr.text, tr.dims, request)
		want, wantErr := ask(ctx, tr.engine, tr.store, own)
		narrow := tr.form.Query(request)
		few, fewErr := ask(ctx, tr.engine, tr.store, narrow)
		if isLimit(wantErr) || isLimit(allErr) || isLimit(fewErr) {
			return 0, errUnknown
		}
		if err := tr.compare(request, want, wantErr, all, allErr); err != nil {
			return 0, fmt.Errorf("%s\ncommon: %s\nown:    %s\n%w", tr.text, tr.form.Query(nil), own, err)
		}
		if err := tr.compare(request, want, wantErr, few, fewErr); err != nil {
			return 0, fmt.Errorf("%s\ncommon: %s\nown:    %s\n%w", tr.text, narrow, own, err)
		}
		compared += len(want)
	}
	return compared, nil
}

func (tr trial) compare(request map[string][]string, want []row, wantErr error, got []row, gotErr error) error {
	switch {
	case gotErr != nil && wantErr == nil && !tr.form.Fragile():
		return fmt.Errorf("only the common query fails, though it is not fragile: %w", gotErr)
	case gotErr == nil && wantErr != nil:
		return fmt.Errorf("only the request's own query fails: %w", wantErr)
	case gotErr != nil:
		return nil
	}
	got, want = tr.answer(got, request), sorted(want)
	if !slices.EqualFunc(got, want, sameRow) {
		return fmt.Errorf("the request's own query gives\n%v\nand the common query\n%v", want, got)
	}
	if tr.form.Unique() && !tr.keep {
		return unique(got, request)
	}
	return nil
}

// answer is what a request takes from the common query's rows: those of its values, without what was added.
// For several values the rows of each must stand for themselves.
func (tr trial) answer(rows []row, request map[string][]string) []row {
	var out []row
	for _, r := range rows {
		if slices.ContainsFunc(tr.dims, func(d merge.Dimension) bool { return !slices.Contains(request[d.Label], r.labels.Get(d.Label)) }) {
			continue
		}
		if !tr.keep {
			r.labels = labels.NewBuilder(r.labels).Del(tr.form.Added()...).Labels()
		}
		out = append(out, r)
	}
	return sorted(out)
}

func sorted(rows []row) []row {
	return slices.SortedFunc(slices.Values(rows), func(a, b row) int { return labels.Compare(a.labels, b.labels) })
}

// unique: no more rows than combinations of values; where labels of dimensions were taken off, they had
// one value each.
func unique(rows []row, request map[string][]string) error {
	combinations := 1
	for _, values := range request {
		combinations *= len(values)
	}
	if len(rows) > combinations {
		return fmt.Errorf("the form is unique, but the rows for %q are %v", request, rows)
	}
	return nil
}

func sameRow(a, b row) bool {
	return labels.Equal(a.labels, b.labels) && slices.EqualFunc(a.values, b.values, func(x, y float64) bool {
		return x == y || math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-9*max(1, math.Abs(x), math.Abs(y))
	})
}

func isLimit(err error) bool {
	var samples promql.ErrTooManySamples
	var timeout promql.ErrQueryTimeout
	return errors.As(err, &samples) || errors.As(err, &timeout)
}

// requests are all combinations of single values, and where several may be asked for, of pairs.
func requests(dims []merge.Dimension) []map[string][]string {
	out := []map[string][]string{{}}
	for _, d := range dims {
		choices := [][]string{}
		for _, v := range valuesOf(d.Label) {
			choices = append(choices, []string{v})
		}
		if d.Several {
			choices = append(choices, valuesOf(d.Label)[:2], []string{valuesOf(d.Label)[2], "nothing has this"})
		}
		var next []map[string][]string
		for _, request := range out {
			for _, c := range choices {
				with := maps.Clone(request)
				with[d.Label] = c
				next = append(next, with)
			}
		}
		out = next
	}
	return out
}

// write is a request's own query: the text with its values in place of the sentinels.
func write(text string, dims []merge.Dimension, request map[string][]string) string {
	for _, d := range dims {
		values := request[d.Label]
		matcher := "=" + strconv.Quote(values[0])
		if len(values) > 1 {
			var escaped []string
			for _, v := range values {
				escaped = append(escaped, regexp.QuoteMeta(v))
			}
			matcher = "=~" + strconv.Quote(strings.Join(escaped, "|"))
		}
		for _, quote := range []string{`"`, "'", "`"} {
			text = regexp.MustCompile(`=\s*`+quote+regexp.QuoteMeta(d.Sentinel)+quote).ReplaceAllLiteralString(text, matcher)
		}
	}
	return text
}

func randomDimensions(r *rand.Rand) []merge.Dimension {
	namespace, pod := merge.Dimension{Label: "namespace", Sentinel: "<namespace>"}, merge.Dimension{Label: "pod", Sentinel: "<pod>"}
	pods := pod
	pods.Several = true
	namespaces := namespace
	namespaces.Several = true
	choices := [][]merge.Dimension{{namespace}, {namespace, pods}, {namespace, pods}, {namespace, pod}, {namespaces}, {pods}, {namespaces, pods}}
	return choices[r.IntN(len(choices))]
}

// TestMergedEqualsExact: whatever random query the proof accepts, the common query answers as each request's
// own does.
func TestMergedEqualsExact(t *testing.T) {
	t.Parallel()
	engines := []*promql.Engine{newEngine(t, false), newEngine(t, true)}
	stores := make([]store, 20)
	for i := range stores {
		stores[i] = randomStore(rand.New(rand.NewPCG(uint64(i), 5)))
	}
	accepted, answered, rows := 0, 0, 0
	refused := map[verdict.Code]int{}
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 3))
		tr := trial{engine: engines[seed%2], dims: randomDimensions(r)}
		tr.text = grammar{r, tr.dims, 25}.vector(1 + r.IntN(3))
		form, err := merge.Prove(tr.text, tr.dims)
		var refusal *merge.Refusal
		if errors.As(err, &refusal) {
			refused[refusal.Rule]++
			continue
		}
		accepted++
		tr.form, tr.store = form, stores[seed%20]
		n, err := tr.check(t.Context())
		if errors.Is(err, errUnknown) {
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		rows += n
		if n > 0 {
			answered++
		}
	}
	t.Logf("of %d queries %d were accepted, %d of these had rows, %d in all; refused: %v", cases, accepted, answered, rows, refused)
	if accepted < cases/3 || answered < cases/4 || len(refused) < 9 || refused[merge.NotPromQL] > cases/10 {
		t.Error("the random queries try too little")
	}
}

const cases = 700
