// Package kubesched filters nodes for pods with volumes and device claims by kube-scheduler's own plugins: VolumeRestrictions,
// NodeVolumeLimits, VolumeBinding, VolumeZone and DynamicResources, with the feature gates that are on by default.
//
// A Snapshot implements scheduling.FilterPlugins for the objects of one moment, which nobody may change. It starts nothing and
// asks no server: the plugins read from indexes that are filled from the Objects. Equal Objects and pods give equal answers.
//
// Pods whose volumes and claims differ only by their names have equal Demands, so that work grows with the kinds of pods.
// Claims that wait for their first consumer and request the same are of one kind; so are claims whose volumes the same nodes can
// have. What several pods share counts by its name.
//
// Answers are cached for each Demand and kind of node, where nothing else matters. Where limits, the last free volume or devices
// matter, the plugins are asked again, about real pods of that Demand.
//
// Where several plugins refuse, a reason that holds for all nodes of the kind comes first; else the first plugin's.
// A missing object is a reason why the pod does not fit, in the plugin's words, and never an error.
//
// A new node is taken to be like the existing nodes of its group. It has the limits of the CSINode with most drivers and, under
// other names, the devices of the node with most. In a group without nodes it has every driver, no limit, and no device.
//
// The package also tells how much of a node's own devices the claims of its pods have. A pod that requests an extended resource of
// a DeviceClass is given the claim that kube-scheduler would make for it (DeviceResources).
//
// It does not know device taint rules, nor volumes of DaemonSets on nodes that do not exist yet.
package kubesched
