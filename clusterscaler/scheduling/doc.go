// Package scheduling answers, without a cluster, what kube-scheduler would do: does a pod of this class fit on that node,
// and if not, what is missing by how much.
//
// Pods with equal Specs are one Class, and nodes that offer the same are one kind. So the work grows with classes and not
// with pods: selectors, affinity and taints are matched once for each class and kind, and copies of a class are placed on a
// node by division. Pods are counted by topology domain as they come and go, and never searched.
//
// It models the filters of the default scheduler profile:
//
//   - resources, with init and sidecar containers, overhead, extended resources and pod slots
//   - node selector and required node affinity
//   - taints and tolerations, unschedulable nodes
//   - host ports
//   - required affinity and anti-affinity between pods
//   - topology spread constraints with DoNotSchedule
//   - declared node features
//
// Preferences (preferred affinity, ScheduleAnyway, PreferNoSchedule) change no answer. Equal inputs give equal answers, Fits
// and Fill agree, and Undo restores the Cluster.
//
// It does not model volumes that bind to places, device claims and scheduling groups. On the first two FilterPlugins decide,
// which the caller hands in: they identify pods by their Demand and nodes by their Profile. Without them, and for scheduling
// groups, such a pod has a Constraint, and the caller must not rely on an answer for it.
package scheduling
