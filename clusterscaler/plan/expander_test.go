package plan

import (
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// Each of three groups is drawn about as often as the others, whatever their names and however near the moments are.
func TestRandomIsFair(t *testing.T) {
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, step := range []time.Duration{time.Nanosecond, time.Second, 10 * time.Second} {
		drawn := map[string]int{}
		for i := range 3000 {
			now := start.Add(time.Duration(i) * step)
			options := []option{}
			for _, name := range []string{"general-a", "general-b", "x"} {
				options = append(options, option{group: &groupGrowth{model: &model{groupState: &groupState{Group: &Group{Belief: fleet.Belief{Name: name}}}}}, lot: lot(name, now)})
			}
			drawn[choose([]Expander{Random}, options, nil).group.Name]++
		}
		for name, n := range drawn {
			if n < 850 || n > 1150 {
				t.Errorf("each %s: %s is drawn %d times of 3000", step, name, n)
			}
		}
	}
}
