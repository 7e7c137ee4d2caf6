package plan

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// answered decides until every question has the answer of the oracle, and returns the questions too.
func answered(b *builder, oracle func(Question) []string) (p Plan, asked []Question) {
	s, m := b.snapshot(), b.memory
	for {
		p, _ = Decide(s, m, b.policy, b.now)
		if p.Question == nil {
			return p, asked
		}
		asked = append(asked, p.Question)
		m = m.Answered(p.Question, oracle(p.Question))
	}
}

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
		p, questions := answered(b, func(Question) []string { return strings.Split(c.answer, ",") })
		var asked []string
		for _, q := range questions {
			for _, choice := range q {
				asked = append(asked, fmt.Sprint(choice.Group, " ", choice.Nodes, " ", choice.Pods))
			}
		}
		if got := strings.Join(asked, ", "); got != c.asked || len(p.ScaleUp) != 1 || p.ScaleUp[0].Group != c.grown {
			t.Errorf("%s, answered %q: asked %s, want %s; grown %v, want %s", c.chain, c.answer, got, c.asked, p.ScaleUp, c.grown)
		}
	}
}

// A plan with a question is that of an expander which does not answer. Several questions come one after another, none of
// them twice though growth is planned several times, and no answer is left for the next loop.
func TestQuestionsAreData(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	b := newBuilder(t, now, Memory{})
	for _, line := range []string{
		"group a cpu=4 memory=16Gi max=2 labels=topology.kubernetes.io/zone:a", "group b cpu=4 memory=16Gi max=3 labels=topology.kubernetes.io/zone:b",
		"group c cpu=4 memory=16Gi labels=topology.kubernetes.io/zone:c", "pod x/web cpu=3 x=7 is=app:web spread=app:web@topology.kubernetes.io/zone/1",
		"policy expander=grpc,most-pods",
	} {
		b.line(line)
	}
	s := b.snapshot()
	first, memory := Decide(s, b.memory, b.policy, now)
	silent, _ := Decide(s, b.memory.Answered(first.Question, nil), b.policy, now)
	if first.Question == nil || fmt.Sprint(first.ScaleUp) != fmt.Sprint(silent.ScaleUp) || fmt.Sprint(first.Pending) != fmt.Sprint(silent.Pending) || memory.Answers != nil {
		t.Fatalf("asked %v and planned %v; without an answer %v; left %v", first.Question, first.ScaleUp, silent.ScaleUp, memory.Answers)
	}
	p, asked := answered(b, func(q Question) []string { return []string{q[0].Group} })
	var texts []string
	for _, q := range asked {
		texts = append(texts, fmt.Sprint(q))
	}
	slices.Sort(texts)
	if len(asked) < 2 || len(slices.Compact(slices.Clone(texts))) != len(asked) || fmt.Sprint(p.ScaleUp) == fmt.Sprint(first.ScaleUp) {
		t.Errorf("asked %v, and planned %v as without an answer", texts, p.ScaleUp)
	}
}

// Growth that is planned several times asks what its first attempt asks, also where the attempt that it keeps has no question.
func TestFirstQuestionStands(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	asked, other := 0, 0
	for i := range 6000 {
		s, policy := randomSnapshot(r, now)
		policy.Expanders = []Expander{MostPods, Ask}
		l := newKept(s, policy, now).loop(s, Memory{}, policy, now)
		there := observe(l)
		w := newWorld(l, &there)
		n := placePending(w)
		first := new(attempt).try(w, noGrowth(w, &n)).question
		if first == nil {
			continue
		}
		asked++
		g := grow(w, &n)
		if !reflect.DeepEqual(g.question, first) {
			t.Fatalf("case %d: the first attempt asks %v, the plan %v", i, first, g.question)
		}
		d := growingFrom(w, noGrowth(w, &n))
		if d.anySpread() {
			other++
		}
	}
	if asked < 500 || other < 100 {
		t.Errorf("the cases hardly ask anything: %d do, %d of them may be planned several times", asked, other)
	}
}
