// Package kubesched judges pods with volumes and device claims by kube-scheduler's own Filter plugins: VolumeRestrictions,
// NodeVolumeLimits, VolumeBinding, VolumeZone and DynamicResources, with the feature gates that are on by default.
//
// A View is a scheduling.Judge: the objects of one moment, which it never changes and nobody else may. It starts nothing
// and asks nobody: the plugins read from indexes that are filled from the Objects. Equal Objects and pods give equal
// answers.
//
// Pods whose volumes and claims differ by their names alone have equal Demands, so that work grows with the kinds of pods:
// claims that wait for their first consumer and ask for the same, and claims bound to volumes that can be had on the same
// nodes. What one pod alone uses counts by its kind, and what several share by its name. Answers are kept for each Demand
// and kind of node where nothing else matters; where it does (limits, the last free volume, devices) the plugins are asked
// again, about real pods of that Demand.
//
// Where several plugins refuse, what holds for all nodes of the kind is said, and else what the first of them says.
//
// An object that is missing is a reason why the pod does not fit, in the plugin's words, and never an error.
//
// A new node is taken to be like those of its group that stand: it has the limits of the CSINode with most drivers and,
// under other names, the devices of the node with most. Where none stands it has each driver, no limit, and no device of its own.
//
// It also tells how much of a node's own devices the claims of its pods have.
//
// Pods that ask for an extended resource which a DeviceClass provides are shown to it with the claim that kube-scheduler would
// make for them (DeviceResources).
//
// It does not know device taint rules, and volumes of DaemonSets on nodes that do not stand.
package kubesched
