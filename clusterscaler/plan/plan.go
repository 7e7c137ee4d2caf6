package plan

import (
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Plan is all that is to be done, and why. The lists may be acted on in any order, but each ScaleUp and
// each ScaleDown as a whole.
type Plan struct {
	// Cluster says whether the cluster is healthy. While it is not, nothing is planned but to give up nodes that have not
	// come.
	Cluster verdict.Verdict
	// Readiness counts all nodes, and States tells how each group stands, in the order of the snapshot.
	Readiness Readiness
	// Capacity is what the nodes have together. Nodes on their way count; nodes that are deleting do not.
	Capacity scheduling.Resources
	States   []GroupState
	ScaleUp  []Increase
	// GiveUp are requested nodes that have not come in time. The provider is to stop working towards them.
	GiveUp []Decrease
	// Unregistered are instances that have not registered in time, and are to be deleted.
	Unregistered []Deletion
	// Pending has every pod without a node, in the order of their names.
	Pending []PendingPod
	// Headroom is how the headrooms stand, in the order of the policy.
	Headroom []HeadroomState
	// ScaleDown are the nodes whose removal is to begin now.
	ScaleDown []Removal
	// Resume are nodes whose removal has begun. It is to go on, unless a drain of this process works on the node already.
	Resume []Removal
	// Unneeded are the nodes that could go: those of ScaleDown, and others that have to wait. Any subset of them can be
	// removed: none receives pods of another.
	Unneeded []Removal
	// Nodes has a verdict on each node, in the order of the snapshot.
	Nodes []NodeVerdict
	// Groups has a verdict on each group, in the order of the snapshot.
	Groups []verdict.Verdict
	// Question is the first one for the gRPC expander that Memory.Answers has no answer to; nil when there is none. The plan is
	// complete: it is made as if nobody answered. With an answer, call Decide again with the Memory that this plan was made of
	// and Memory.Answered.
	Question Question
	// Next is when this plan may change by the passing of time alone. It is zero if it cannot.
	Next time.Time
}

// Increase makes a group grow.
type Increase struct {
	Group    string
	From, To int
	// Max is the group's maximal size.
	Max  int
	Pods []string
}

// Decrease makes a group work towards fewer nodes than it does. It removes none that stands.
type Decrease struct {
	Group    string
	From, To int
	// Failed is of how many the provider has said that they will not come.
	Failed int
}

// Deletion has instances of a group deleted that have no node. The group shrinks by as many.
type Deletion struct {
	Group     string
	Instances []string
}

// PendingPod is a pod without a node.
type PendingPod struct {
	Pod string
	// Group is the one that grows for the pod; empty when none does.
	Group   string
	Verdict verdict.Verdict
	// Why has a verdict for each group that cannot take the pod, with the group as its subject. Pods of
	// one class share it. Where a group grows for the pod it is empty: Reasons tell.
	Why []verdict.Verdict
}

// Removal takes a node away.
type Removal struct {
	Node, Group string
	// Empty says that no pod needs to move, and Unready that the node is not ready.
	Empty       bool
	Unready     bool
	Utilization float64
	Moves       []Move
	// AllOrNothing says that the node goes with all others of its group, or stays with them.
	AllOrNothing bool
}

// Move is where a pod of a removed node fits. The scheduler may choose another place.
type Move struct {
	Pod, To string
}

// NodeVerdict is why a node goes or stays.
type NodeVerdict struct {
	Node, Group string
	Utilization float64
	Verdict     verdict.Verdict
}

// Verdicts are those on all pods, groups and nodes.
func (p *Plan) Verdicts() []verdict.Verdict {
	out := make([]verdict.Verdict, 0, 1+len(p.Pending)+len(p.Headroom)+len(p.Groups)+len(p.Nodes))
	out = append(out, p.Cluster)
	for _, pod := range p.Pending {
		out = append(out, pod.Verdict)
	}
	for _, h := range p.Headroom {
		out = append(out, h.Verdict)
	}
	out = append(out, p.Groups...)
	for _, n := range p.Nodes {
		out = append(out, n.Verdict)
	}
	return out
}

// nextBy makes the plan be looked at again at t or earlier.
func (p *Plan) nextBy(t time.Time) {
	if p.Next.IsZero() || t.Before(p.Next) {
		p.Next = t
	}
}
