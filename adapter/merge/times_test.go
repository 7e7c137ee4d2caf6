package merge_test

import (
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/trimtab/trimtab/adapter/merge"
)

// TestTimestamps: the times of a small store, told by Prometheus's own engine. The samples' times are given
// in seconds before the evaluation.
func TestTimestamps(t *testing.T) {
	t.Parallel()
	var s store
	add := func(name, namespace, pod string, ago ...int64) {
		var samples []sample
		for _, a := range ago {
			samples = append(samples, sample{ms: (evalSecond - a) * 1000, v: 1})
		}
		s.add(labels.FromStrings("__name__", name, "namespace", namespace, "pod", pod), samples)
	}
	add("x", "a", "p", 60, 45, 30)
	add("x", "a", "q", 20, 5)
	add("x", "b", "p", 400, 200)
	add("x", "c", "p", 900, 600) // older than Prometheus looks back
	add("y", "a", "p", 100, 80)
	add("y", "d", "p", 10)
	s.sort()
	e := newEngine(t, false)
	for _, c := range []struct {
		text string
		want map[string]float64 // seconds before the evaluation, by namespace
	}{
		{`sum(x{namespace="<namespace>"})`, map[string]float64{"a": 5, "b": 200}},
		{`sum(rate(x{namespace="<namespace>"}[2m]))`, map[string]float64{"a": 5, "b": 200}},
		{`sum(x{namespace="<namespace>"}) / sum(y{namespace="<namespace>"})`, map[string]float64{"a": 80, "b": 200, "d": 10}},
		{`sum(x{namespace="<namespace>"} offset 5m)`, map[string]float64{"b": 100}},
		{`sum(x{namespace="<namespace>"} offset 8m)`, map[string]float64{"c": 120}},
		{`max_over_time(x{namespace="<namespace>"}[1m:15s] offset -10s)`, map[string]float64{"a": 15, "b": 210}},
	} {
		form, err := merge.Prove(c.text, []merge.Dimension{{Label: "namespace", Sentinel: "<namespace>"}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := form.Timestamps(nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := ask(t.Context(), e, s, text)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != len(c.want) {
			t.Errorf("%s: %v, want %v", text, rows, c.want)
		}
		for _, r := range rows {
			namespace := r.labels.Get("namespace")
			if ago, ok := c.want[namespace]; !ok || r.labels.Len() != 1 || evalSecond-r.values[0] != ago {
				t.Errorf("%s: %v, want %v", text, r, c.want)
			}
		}
	}
}

// TestMergedTimesEqualExact: the times of the common query are those of each request's own.
func TestMergedTimesEqualExact(t *testing.T) {
	t.Parallel()
	e := newEngine(t, false)
	s := randomStore(rand.New(rand.NewPCG(1, 5)))
	told := 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 7))
		dims := randomDimensions(r)
		text := grammar{r, dims, 0}.vector(1 + r.IntN(2))
		form, err := merge.Prove(text, dims)
		if err != nil {
			continue
		}
		if _, err := form.Timestamps(nil); err != nil {
			continue
		}
		var by []string
		for _, d := range dims {
			by = append(by, d.Label)
		}
		for _, request := range requests(dims) {
			own, err := merge.Timestamps(write(text, dims, request), by)
			if err != nil {
				t.Fatalf("the form has times, and %s has none: %v", text, err)
			}
			want, err := ask(t.Context(), e, s, own)
			if err != nil {
				t.Fatalf("%s: %v", own, err)
			}
			common, _ := form.Timestamps(request)
			rows, err := ask(t.Context(), e, s, common)
			if err != nil {
				t.Fatalf("%s: %v", common, err)
			}
			tr := trial{dims: dims, form: form, keep: true}
			if err := tr.compare(request, want, nil, rows, nil); err != nil {
				t.Fatalf("seed %d: %s\ncommon: %s\nown:    %s\n%v", seed, text, common, own, err)
			}
			told += len(want)
		}
	}
	if told < 500 {
		t.Errorf("only %d times were compared", told)
	}
}
