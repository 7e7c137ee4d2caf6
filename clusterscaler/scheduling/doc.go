// Package scheduling answers, without a cluster, what the scheduler would do: does a pod of this class
// fit on that node, and if not, what is missing by how much.
//
// Pods that ask for the same and are seen alike are one Class, and nodes that offer the same are one kind, so
// that work grows with classes and not with pods: selectors, affinity and taints are matched once for each class
// and kind, and copies of a class are counted onto a node by division. What pods have for or against each
// other is counted by topology domain as pods come and go, and never looked for.
//
// It models what the default scheduler profile filters on for pods without volumes and device claims: resources
// (with init and sidecar containers, overhead, extended resources and pod slots), node selector and required
// node affinity, taints and tolerations, unschedulable nodes, host ports, required affinity and anti-affinity
// between pods, and topology spread. It guarantees that equal inputs give equal answers, that Fits and Fill
// agree, and that Undo restores the Cluster.
//
// It does not model volumes that bind to places, device claims and scheduling groups. It recognises them. On the first
// two a Judge decides that is handed in, which knows pods by their Demand and nodes by their Profile; without one, and
// for scheduling groups, such a pod has a Constraint, and the caller must not count on an answer for it. Preferences (soft
// affinity, ScheduleAnyway, PreferNoSchedule) move no answer.
package scheduling
