// Package kwok is the driver for clusters whose nodes are played by kwok: it creates
// and deletes Node objects, and nothing else.
//
// It is the cloud as well: it guarantees that a group never has more than Max nodes, that the size it reports counts a launch
// until its node is seen and leaves out a node from its deletion on, as long as it may still be seen, and
// that it keeps nothing which must survive a restart: a group is what the label trimtab.dev/node-group
// says. A launch that a restart interrupts is forgotten, like one that a cloud has lost.
package kwok
