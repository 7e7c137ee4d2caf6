package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// A drain that has begun is judged again on a fresh look: here n1 is the node that goes.
func TestStillRemovable(t *testing.T) {
	const cluster = "group general cpu=4 memory=16Gi min=1\nnode n1 group=general deleting\nnode n2 group=general\n"
	for _, c := range []struct {
		name, lines string
		want        verdict.Code
	}{
		{"empty", "", Unneeded},
		{"a pod with room elsewhere", "pod default/a on=n1 cpu=1", Unneeded},
		{"a used node may go on: utilization was judged before", "pod default/a on=n1 cpu=4", Unneeded},
		{"a pod without room elsewhere", "pod default/a on=n1 cpu=1\npod default/b on=n2 cpu=4", NoPlaceToMovePods},
		{"a pod that must stay", "pod default/a on=n1 cpu=1 owner=none", BlockedByPod},
		{"a used-up budget is the eviction's business", "budget default/a allowed=0\npod default/a on=n1 cpu=1 budget=default/a", Unneeded},
		{"half evicted: the leaving pod's replacement is pending", "pod default/a on=n1 cpu=3 deleted=1s\npod default/a2 cpu=3", Unneeded},
		{"kept by an annotation since", "node n1 group=general deleting keep", ScaleDownDisabledAnnotation},
		{"no group any more", "node n1 deleting cpu=4", NotAutoscaled},
		{"gone", "gone n1", NotAutoscaled},
		{"all or none, and another stays", "group general cpu=4 memory=16Gi zeroOrMax", AtomicScaleDownFailed},
		{"all or none, and all go", "group general cpu=4 memory=16Gi zeroOrMax\nnode n2 group=general deleting\n", Unneeded},
		{"minimal size since", "group general cpu=4 memory=16Gi min=2", NodeGroupMinSizeReached},
	} {
		b := newBuilder(t, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), Memory{})
		for line := range strings.SplitSeq(cluster+c.lines, "\n") {
			b.line(line)
		}
		r, v := StillRemovable(b.snapshot(), b.policy, b.now, "n1")
		if v.Code != c.want {
			t.Errorf("%s: %s, want %s", c.name, v, c.want)
		}
		if v.Code == Unneeded && r.Empty != !strings.Contains(c.lines, "on=n1") {
			t.Errorf("%s: empty %t", c.name, r.Empty)
		}
	}
}
