package plan

import (
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Whether the pods that exist find their places before headroom does not depend on what their namespace is called.
func TestHeadroomComesBehindPodsOfAnyName(t *testing.T) {
	t.Parallel()
	spared := &Pod{Name: headroomPrefix + "h", Class: scheduling.Class(1), spareOf: &spare{}}
	for _, name := range []string{"a/p", "headroom/p", "zoo/p"} {
		if order := byClass([]*Pod{spared, {Name: name, Class: scheduling.Class(2)}}); order[1] != spared {
			t.Errorf("headroom comes before %s", name)
		}
	}
}
