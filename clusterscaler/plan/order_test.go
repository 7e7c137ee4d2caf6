package plan

import (
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
)

// Pods that move while a plan is made have orders of their own: two equal ones would be ordered by chance.
func TestPlacementsHaveDistinctOrders(t *testing.T) {
	t.Parallel()
	d := &decision{memory: Memory{Planned: map[string]*Placement{}}}
	a, b, c := &Pod{Name: "a"}, &Pod{Name: "b"}, &Pod{Name: "c"}
	for _, pod := range []*Pod{a, b, a, c, a, b} {
		d.planNext(pod, Placement{Node: "n"})
		seen := map[int]string{}
		for name, p := range d.memory.Planned {
			if other := seen[p.Order]; other != "" {
				t.Fatalf("%s and %s both have the order %d", name, other, p.Order)
			}
			seen[p.Order] = name
		}
	}
	d.renumber()
	if p := d.memory.Planned; p["c"].Order != 0 || p["a"].Order != 1 || p["b"].Order != 2 {
		t.Errorf("the orders are c %d, a %d, b %d", p["c"].Order, p["a"].Order, p["b"].Order)
	}
}

// Whether the pods that exist find their places before headroom does not depend on what their namespace is called.
func TestHeadroomComesBehindPodsOfAnyName(t *testing.T) {
	t.Parallel()
	spared := &Pod{Name: headroomPrefix + "h", Class: simulate.Class(1), spareOf: &spare{}}
	for _, name := range []string{"a/p", "headroom/p", "zoo/p"} {
		if order := byClass([]*Pod{spared, {Name: name, Class: simulate.Class(2)}}); order[1] != spared {
			t.Errorf("headroom comes before %s", name)
		}
	}
}
