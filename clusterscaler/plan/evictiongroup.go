package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EvictionGroup is one of the groups in which the pods of a node leave it: those with that priority or a higher one, up to
// that of the next group. Pods below the lowest group are part of it.
type EvictionGroup struct {
	Priority int32
	// Grace caps the grace period of each pod of the group; 0 caps nothing.
	Grace time.Duration
}

// ParseEvictionGroups reads PRIORITY:SECONDS,... in any order, as cluster-autoscaler's --drain-priority-config is written.
// The groups are in the order in which they leave: ascending. An empty text has none.
func ParseEvictionGroups(text string) ([]EvictionGroup, error) {
	if text == "" {
		return nil, nil
	}
	var out []EvictionGroup
	for part := range strings.SplitSeq(text, ",") {
		low, high, found := strings.Cut(strings.TrimSpace(part), ":")
		priority, err := strconv.ParseInt(low, 10, 32)
		seconds, err2 := strconv.ParseInt(high, 10, 32)
		if !found || err != nil || err2 != nil || seconds < 0 {
			return nil, fmt.Errorf("%q is not PRIORITY:SECONDS with whole numbers and 0 <= SECONDS, such as 1000:100", part)
		}
		out = append(out, EvictionGroup{int32(priority), time.Duration(seconds) * time.Second})
	}
	slices.SortFunc(out, func(a, b EvictionGroup) int { return cmp.Compare(a.Priority, b.Priority) })
	for i := range out[1:] {
		if out[i].Priority == out[i+1].Priority {
			return nil, fmt.Errorf("the priority %d is there twice; leave one out", out[i].Priority)
		}
	}
	return out, nil
}
