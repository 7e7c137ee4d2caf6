// Package simulate answers, without a cluster, what the scheduler would do: does a pod of this class
// fit on that node, and if not, what is missing by how much.
//
// Pods that ask for the same are one Class, and nodes that offer the same are one kind, so that work
// grows with classes and not with pods: selectors, affinity and taints are matched once for each class
// and kind, and copies of a class are counted onto a node by division.
//
// It models what the default scheduler profile filters on for a pod alone: resources (with init and
// sidecar containers, overhead, extended resources and pod slots), node selector and required node
// affinity, taints and tolerations, unschedulable nodes, and host ports. It guarantees that equal
// inputs give equal answers, that Fits and Fill agree, and that Undo restores what a Cluster had free.
//
// It does not model required inter-pod affinity and anti-affinity, hard topology spread, volumes that
// bind to places, device claims and scheduling groups. It recognises them: such a pod has a Constraint,
// and a pod that the anti-affinity of another may hold off is found by Repels. The caller must not
// count on an answer for either. Preferences (soft affinity, PreferNoSchedule) move no answer.
package simulate
