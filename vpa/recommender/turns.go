package recommender

import "slices"

// inTurns puts the first element of each namespace before the second of any, and so on. So the elements at the end, for
// which there may be no time, belong to the namespaces with the most. Within a namespace the order stays.
func inTurns[T any](all []T, namespace func(T) string) []T {
	var turns [][]T
	seen := map[string]int{}
	for _, one := range all {
		n := seen[namespace(one)]
		if n == len(turns) {
			turns = append(turns, nil)
		}
		turns[n] = append(turns[n], one)
		seen[namespace(one)]++
	}
	return slices.Concat(turns...)
}
