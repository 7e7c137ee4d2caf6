package eni

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
)

// Nearest returns at most n known names, those first that need the fewest changes of a letter to become
// name. Of equally near ones those come first that begin like name for longer; the rest is sorted. Case
// and surrounding space do not count. It is for error messages and allocates.
func Nearest(name string, n int) []string {
	if n <= 0 {
		return nil
	}
	type candidate struct {
		name             string
		distance, common int
	}
	wanted := strings.ToLower(strings.TrimSpace(name))
	candidates := make([]candidate, 0, len(table)/lineWidth)
	for at := 0; at < len(table); at += lineWidth {
		known := lineName(table[at : at+lineWidth])
		candidates = append(candidates, candidate{known, config.Distance(wanted, known), commonPrefix(wanted, known)})
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(b.common, a.common), cmp.Compare(a.name, b.name))
	})
	names := make([]string, 0, min(n, len(candidates)))
	for _, c := range candidates[:min(n, len(candidates))] {
		names = append(names, c.name)
	}
	return names
}

// commonPrefix is the number of bytes in which a and b begin alike.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
