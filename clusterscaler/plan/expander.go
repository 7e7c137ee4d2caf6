package plan

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Expander names a rule that chooses among options.
type Expander string

// The rules. Each prefers the option with the lowest score.
const (
	// LeastWaste: the smallest share of CPU plus memory that would be left unused on the new nodes.
	LeastWaste Expander = "least-waste"
	// MostPods: the most pods placed.
	MostPods Expander = "most-pods"
	// LeastNodes: the fewest nodes added.
	LeastNodes Expander = "least-nodes"
	// Price: the lowest price of the new nodes for each requested core, 3.75 GiB of memory counting as one.
	// Groups without a price come last.
	Price Expander = "price"
	// Prioritize: the group whose name matches the highest of Policy.Priorities. Groups that match none come last.
	Prioritize Expander = "priority"
	// Random: any, each as likely as the others; the moment of the decision draws.
	Random Expander = "random"
	// Ask: the groups that the answer to Plan.Question prefers. Without an answer all are equal.
	Ask Expander = "grpc"
)

// Expanders are all rules, in the order of their names.
func Expanders() []Expander {
	return []Expander{Ask, LeastNodes, LeastWaste, MostPods, Price, Prioritize, Random}
}

// Priority prefers groups over those of lower priorities.
type Priority struct {
	Value int
	// Groups are the groups of this priority: one of the expressions matches a part of the name.
	Groups []*regexp.Regexp
}

// priorityOf is the highest priority of the group, if it has one.
func (p *Policy) priorityOf(group string) (value int, has bool) {
	for _, tier := range p.Priorities {
		if has && tier.Value <= value {
			continue
		}
		if slices.ContainsFunc(tier.Groups, func(r *regexp.Regexp) bool { return r.MatchString(group) }) {
			value, has = tier.Value, true
		}
	}
	return value, has
}

// lot is what the moment draws for the group, from 0 up to 1.
func lot(group string, now time.Time) float64 {
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64([]byte(group), uint64(now.UnixNano())))
	z := h.Sum64() // the finisher of SplitMix64: the last bytes move all bits
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// memoryPerCore weighs memory against CPU in the price of a request.
const memoryPerCore = 3.75 * (1 << 30)

// score is what the rule prefers the lowest of, and the fact that shows it.
func (e Expander) score(o *option) (float64, verdict.Fact) {
	switch e {
	case MostPods:
		return -float64(o.pods), verdict.Number("pods", o.pods)
	case LeastNodes:
		return float64(o.nodes), verdict.Number("nodes", o.nodes)
	case Prioritize:
		if !o.prioritized {
			return math.Inf(1), verdict.Text("priority", "none")
		}
		return -float64(o.priority), verdict.Number("priority", o.priority)
	case Ask:
		return 0, o.preference()
	case Random:
		return o.lot, verdict.Number("lot", math.Round(o.lot*1000)/1000)
	case Price:
		cores := float64(o.requested.MilliCPU)/1000 + float64(o.requested.Memory)/memoryPerCore
		if o.group.Price == 0 || cores == 0 {
			return math.Inf(1), verdict.Text("price", "unknown")
		}
		perCore := o.group.Price * float64(o.nodes) / cores
		return perCore, verdict.Number("price per requested core", math.Round(perCore*1e6)/1e6)
	default:
		waste := wasted(o.requested.MilliCPU, o.group.Capacity.MilliCPU*int64(o.nodes)) +
			wasted(o.requested.Memory, o.group.Capacity.Memory*int64(o.nodes))
		return waste, verdict.Ratio("waste", waste/2)
	}
}

func wasted(requested, available int64) float64 {
	if available <= 0 {
		return 0
	}
	return float64(available-requested) / float64(available)
}

// choose applies the chain and returns the best option. The group's name decides among equals. The
// facts of each option are the scores of all rules in the chain.
func choose(chain []Expander, options []option, ask func([]*option) []*option) *option {
	left := make([]*option, len(options))
	for i := range options {
		left[i] = &options[i]
	}
	for _, e := range chain {
		if e == Ask {
			left = ask(left)
			continue
		}
		left = lowest(left, e)
	}
	for i := range options {
		o := &options[i]
		o.facts = o.facts[:0]
		for _, e := range chain {
			_, fact := e.score(o)
			o.facts = append(o.facts, fact)
		}
	}
	return slices.MinFunc(left, func(a, b *option) int { return strings.Compare(a.group.Name, b.group.Name) })
}

// tieBreak says what decided between two options whose scores look the same.
func (p *Policy) tieBreak(o, best *option) []verdict.Fact {
	if verdict.Facts(o.facts).String() != verdict.Facts(best.facts).String() {
		return nil
	}
	for _, e := range p.Expanders {
		score, fact := e.score(o)
		if other, _ := e.score(best); score != other {
			return []verdict.Fact{verdict.Text("decided by", "the "+fact.Name+" before rounding")}
		}
	}
	return []verdict.Fact{verdict.Text("tie broken by", "the name of the group")}
}

// lowest keeps the options with the lowest score.
func lowest(options []*option, e Expander) []*option {
	best := math.Inf(1)
	for _, o := range options {
		s, _ := e.score(o)
		best = min(best, s)
	}
	return slices.DeleteFunc(options, func(o *option) bool {
		s, _ := e.score(o)
		return cmp.Compare(s, best) != 0
	})
}
