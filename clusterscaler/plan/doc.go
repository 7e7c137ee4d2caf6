// Package plan decides which node groups grow and which nodes go, and why.
//
//	Decide(snapshot, memory, policy, now) (plan, memory)
//
// Decide is a pure function: equal inputs give an equal plan, in an equal order. It reads no clock and
// keeps nothing; every "since when" stands in Memory, which goes in and comes out. What happened to a
// plan (a group grew, a deletion failed) is told to the Memory by its methods.
//
// A Planner gives the same plans, loop after loop, at the cost of what has changed from one Snapshot to the next.
//
// It guarantees that no plan exceeds a group's or the cluster's limit, that a node is only removed when
// its pods fit on the nodes that stay, by the simulator that also decides on growth, and that after the
// removal this same simulator would not add the node back. Every pending pod, group and node has a verdict.
//
// What a provider says of its nodes and instances is believed here, by the same rules for every provider: which are on
// their way, late, lost or deleted, how small a group may become, and when a deletion is asked for again.
//
// It does not act. On volumes and device claims the FilterPlugins of the Snapshot decide. Pods with constraints that
// neither it nor package scheduling models trigger nothing and keep their node. It makes no templates: a group has that of
// its provider, or of one of its nodes.
package plan
