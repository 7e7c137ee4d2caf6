package offline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
)

// Want is a wanted answer. Fields that are not given are not compared.
type Want struct {
	// Status is the HTTP status.
	Status int `yaml:"status"`
	// Queries are the PromQL texts that are sent for the request, byte for byte; [] for none. Their order counts. For
	// metrics.k8s.io it does not, since CPU and memory may be asked at the same time.
	Queries []string `yaml:"queries"`
	// Items are all items of the answer, in any order; [] for none.
	Items []Item `yaml:"items"`
}

// Validate checks what the types cannot.
func (w *Want) Validate() config.Problems {
	var ps config.Problems
	if w.Status != 0 && (w.Status < 100 || w.Status > 599) {
		ps.Add("status", "%d is no HTTP status", w.Status)
	}
	return ps
}

// differences are what is missing, superfluous or different in the answer, a line each.
func (w *Want) differences(a Answer) []string {
	var out []string
	items, message := itemsOf(a.Body)
	if w.Status != 0 && w.Status != a.Status {
		line := fmt.Sprintf("status: got %d, want %d", a.Status, w.Status)
		if message != "" {
			line += ": " + strconv.Quote(message)
		}
		out = append(out, line)
	}
	if w.Queries != nil {
		want, got := slices.Clone(w.Queries), slices.Clone(a.Queries)
		if strings.HasPrefix(a.Get, "/apis/metrics.k8s.io/") {
			slices.Sort(want)
			slices.Sort(got)
		}
		out = append(out, differentQueries(want, got)...)
	}
	if w.Items != nil {
		out = append(out, differentItems(w.Items, items)...)
	}
	return out
}

func differentQueries(want, got []string) []string {
	onOneLine := strings.NewReplacer("\n", `\n`).Replace
	var out []string
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			out = append(out, fmt.Sprintf("queries[%d]: not asked: %s", i, onOneLine(want[i])))
		case i >= len(want):
			out = append(out, fmt.Sprintf("queries[%d]: asked, but not wanted: %s", i, onOneLine(got[i])))
		case want[i] != got[i]:
			out = append(out, fmt.Sprintf("queries[%d]:\n  got  %s\n  want %s", i, onOneLine(got[i]), onOneLine(want[i])))
		}
	}
	return out
}

// differentItems first pairs equal items, then items of the same object, and reports the other items one by one.
func differentItems(want, got []Item) []string {
	left := slices.Clone(got)
	take := func(w Item, exactly bool) (Item, bool) {
		i := slices.IndexFunc(left, func(g Item) bool {
			identity, all := w.takes(g)
			return all || identity && !exactly
		})
		if i < 0 {
			return Item{}, false
		}
		found := left[i]
		left = slices.Delete(left, i, i+1)
		return found, true
	}
	var missing []Item
	for _, w := range want {
		if _, ok := take(w, true); !ok {
			missing = append(missing, w)
		}
	}
	var out []string
	for _, w := range missing {
		if g, ok := take(w, false); ok {
			out = append(out, fmt.Sprintf("items:\n  got  %s\n  want %s", g, w))
		} else {
			out = append(out, fmt.Sprintf("items: not there: %s", w))
		}
	}
	for _, g := range left {
		out = append(out, fmt.Sprintf("items: there, but not wanted: %s", g))
	}
	return out
}
