package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The expander grpc keeps what is preferred of what the rules before it left; those behind it choose among that, or, when
// there is no answer, among all.
func TestAskedExpander(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ chain, answer, asked, grown string }{
		{"grpc", "b", "a 2 [x/web-1 x/web-2], b 1 [x/web-1 x/web-2], c 2 [x/web-1 x/web-2]", "b"},
		{"grpc,least-nodes", "a,b", "a 2 [x/web-1 x/web-2], b 1 [x/web-1 x/web-2], c 2 [x/web-1 x/web-2]", "b"},
		{"grpc,least-nodes", "a,c", "a 2 [x/web-1 x/web-2], b 1 [x/web-1 x/web-2], c 2 [x/web-1 x/web-2]", "a"},
		{"grpc,least-nodes", "", "a 2 [x/web-1 x/web-2], b 1 [x/web-1 x/web-2], c 2 [x/web-1 x/web-2]", "b"},
		{"grpc,least-nodes", "other", "a 2 [x/web-1 x/web-2], b 1 [x/web-1 x/web-2], c 2 [x/web-1 x/web-2]", "b"},
		{"price,grpc", "c", "a 2 [x/web-1 x/web-2], c 2 [x/web-1 x/web-2]", "c"},
		{"least-nodes,grpc", "a", "", "b"},
		{"most-pods", "c", "", "a"},
	} {
		b := newBuilder(t, now, Memory{})
		for _, line := range []string{
			"group a cpu=4 memory=16Gi price=1", "group b cpu=8 memory=32Gi price=9", "group c cpu=4 memory=16Gi price=1",
			"pod x/web cpu=3 x=2", "headroom spare count=1 cpu=100m", "policy expander=" + c.chain,
		} {
			b.line(line)
		}
		var asked []string
		b.policy.Ask = func(choices []Choice) []string {
			for _, choice := range choices {
				asked = append(asked, fmt.Sprint(choice.Group, " ", choice.Nodes, " ", choice.Pods))
			}
			return strings.Split(c.answer, ",")
		}
		p, _ := Decide(b.snapshot(), b.memory, b.policy, now)
		if got := strings.Join(asked, ", "); got != c.asked || len(p.ScaleUp) != 1 || p.ScaleUp[0].Group != c.grown {
			t.Errorf("%s, answered %q: asked %s, want %s; grown %v, want %s", c.chain, c.answer, got, c.asked, p.ScaleUp, c.grown)
		}
	}
}
