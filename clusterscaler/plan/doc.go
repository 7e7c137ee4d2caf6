// Package plan decides which node groups grow and which nodes go, and why.
//
//	Decide(snapshot, memory, policy, now) (plan, memory)
//
// It has four stages, each a function of values to values: what there is (observe), what pending pods need (placePending),
// growth (grow) and removal (remove). Each can run alone. The last three place pods in one simulated cluster, the world. Each
// begins at the mark of its input, so that nothing is taken back by hand.
//
// Decide is a pure function: equal inputs give an equal plan, in an equal order. It reads no clock and
// keeps nothing; every "since when" stands in Memory, which goes in and comes out. The methods of Memory take what
// happened to a plan: a group grew, a deletion failed.
//
// A question for the gRPC expander is part of the plan. Whoever has an answer gives it to the Memory, and decides again.
//
// A Planner gives the same plans, loop after loop, at the cost of what has changed from one Snapshot to the next.
//
// It guarantees that no plan exceeds a group's or the cluster's limit, that a node is only removed when
// its pods fit on the nodes that stay, by the simulator that also decides on growth, and that after the
// removal this same simulator would not add the node back. Every pending pod, group and node has a verdict.
//
// Package fleet decides what to believe of a cloud's nodes and instances. Its Memory is part of this one.
//
// It does not act. The FilterPlugins of the Snapshot decide on volumes and device claims. A pod with a constraint that nobody
// models triggers nothing and keeps its node. The package makes no templates: a group has the template of its provider, or of
// one of its nodes.
package plan
