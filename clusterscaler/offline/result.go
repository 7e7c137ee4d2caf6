package offline

import (
	"math"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Result is what would be done, and why. Its JSON is that of `trimtab simulate cluster` and `trimtab replay`; lists are never null.
type Result struct {
	ScaleUp []Growth `json:"scaleUp"`
	// Pending has every pod without a node, in the order of their names.
	Pending   []Pending `json:"pending"`
	ScaleDown []Removal `json:"scaleDown"`
	// GiveUp are groups that no longer wait for nodes, Unregistered instances to be deleted since they have not registered,
	// and Resume nodes whose removal goes on. They are left out where there are none.
	GiveUp       []GivenUp      `json:"giveUp,omitempty"`
	Unregistered []Unregistered `json:"unregistered,omitempty"`
	Resume       []string       `json:"resume,omitempty"`
	// Headroom is how the headrooms of the configuration stand.
	Headroom []Headroom `json:"headroom"`
	// Nodes and Groups have every node, by name, and every group, as in the file.
	Nodes  []Node    `json:"nodes"`
	Groups []Subject `json:"groups"`
	// Now is the time for which it was decided.
	Now time.Time `json:"now"`
	// Read and Ignored count the objects of the dump by kind.
	Read    map[string]int `json:"read"`
	Ignored map[string]int `json:"ignored"`
	// Notes are what the files lack, so that the answer may differ from a live cluster's.
	Notes []string `json:"notes"`
}

// Growth is a group that grows for pods.
type Growth struct {
	Group string   `json:"group"`
	From  int      `json:"from"`
	To    int      `json:"to"`
	Pods  []string `json:"pods"`
}

// GivenUp is a group that works towards fewer nodes, since some that were requested have not come.
type GivenUp struct {
	Group string `json:"group"`
	From  int    `json:"from"`
	To    int    `json:"to"`
}

// Unregistered are instances of a group that are to be deleted.
type Unregistered struct {
	Group     string   `json:"group"`
	Instances []string `json:"instances"`
}

// Pending is a pod without a node.
type Pending struct {
	Pod string `json:"pod"`
	// Placed is the group that grows for the pod, or empty.
	Placed string `json:"placed"`
	// Why has one entry for each group that cannot take the pod, by name; none where a node has room for it, or
	// where it waits for something else, as Code then says.
	Why     []Subject    `json:"why"`
	Code    verdict.Code `json:"code"`
	Message string       `json:"message"`
}

// Headroom is for how many pods of a headroom there is room: Fits on nodes that stand, Coming on nodes on their way and on
// nodes that the plan adds.
type Headroom struct {
	Name    string       `json:"name"`
	Fits    int          `json:"fits"`
	Coming  int          `json:"coming"`
	Missing int          `json:"missing"`
	Why     []Subject    `json:"why"`
	Code    verdict.Code `json:"code"`
	Message string       `json:"message"`
}

// Removal is a node that goes, and where its pods fit.
type Removal struct {
	Node  string `json:"node"`
	Group string `json:"group"`
	Moves []Move `json:"moves"`
}

// Move is where a pod fits.
type Move struct {
	Pod string `json:"pod"`
	To  string `json:"to"`
}

// Node is why a node goes or stays.
type Node struct {
	Node  string `json:"node"`
	Group string `json:"group"`
	// Utilization is the larger of the shares of CPU and memory that pods request.
	Utilization float64      `json:"utilization"`
	Code        verdict.Code `json:"code"`
	Message     string       `json:"message"`
}

// Subject is what was decided on a group.
type Subject struct {
	Group   string       `json:"group"`
	Code    verdict.Code `json:"code"`
	Message string       `json:"message"`
}

// ResultOf is that of a plan for the time, which was made of so many objects of each kind.
func ResultOf(p *plan.Plan, now time.Time, read map[string]int) Result {
	r := Result{
		ScaleUp: []Growth{}, Pending: []Pending{}, ScaleDown: []Removal{}, Headroom: []Headroom{}, Nodes: []Node{}, Groups: subjects(p.Groups),
		Now: now, Read: read, Ignored: map[string]int{}, Notes: []string{},
	}
	for _, up := range p.ScaleUp {
		r.ScaleUp = append(r.ScaleUp, Growth{up.Group, up.From, up.To, append([]string{}, up.Pods...)})
	}
	for _, pod := range p.Pending {
		r.Pending = append(r.Pending, Pending{pod.Pod, pod.Group, subjects(pod.Why), pod.Verdict.Code, pod.Verdict.Message()})
	}
	for _, h := range p.Headroom {
		r.Headroom = append(r.Headroom, Headroom{h.Name, h.Fits, h.Coming, h.Missing, subjects(h.Why), h.Verdict.Code, h.Verdict.Message()})
	}
	for _, down := range p.ScaleDown {
		moves := []Move{}
		for _, m := range down.Moves {
			moves = append(moves, Move{m.Pod, m.To})
		}
		r.ScaleDown = append(r.ScaleDown, Removal{down.Node, down.Group, moves})
	}
	for _, less := range p.GiveUp {
		r.GiveUp = append(r.GiveUp, GivenUp{less.Group, less.From, less.To})
	}
	for _, late := range p.Unregistered {
		r.Unregistered = append(r.Unregistered, Unregistered(late))
	}
	for _, again := range p.Resume {
		r.Resume = append(r.Resume, again.Node)
	}
	for _, n := range p.Nodes {
		r.Nodes = append(r.Nodes, Node{n.Node, n.Group, math.Round(n.Utilization*1e4) / 1e4, n.Verdict.Code, n.Verdict.Message()})
	}
	return r
}

// subjects are verdicts on groups.
func subjects(vs []verdict.Verdict) []Subject {
	out := []Subject{}
	for _, v := range vs {
		out = append(out, Subject{v.Subject.Name, v.Code, v.Message()})
	}
	return out
}
