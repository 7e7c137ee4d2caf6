package eni

import (
	"cmp"
	"slices"
	"strings"
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
		candidates = append(candidates, candidate{known, distance(wanted, known), commonPrefix(wanted, known)})
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

// longestCompared bounds the work for absurd input: no type's name is nearly as long.
const longestCompared = 64

// distance is the number of insertions, deletions and replacements of bytes that make a into b
// (Levenshtein), for the first longestCompared bytes of each.
func distance(a, b string) int {
	a, b = a[:min(len(a), longestCompared)], b[:min(len(b), longestCompared)]
	var row [longestCompared + 1]int
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// commonPrefix is the number of bytes in which a and b begin alike.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
