// Package migrate knows cluster-autoscaler: its flags, and what becomes of each in trimtab's configuration;
// package migration reads the installation and writes the file.
//
// It guarantees that the section clusterScaler accepts what it writes, with two exceptions: the templates of the node groups,
// which no flag has, and the server of the provider externalgrpc, if no file says where it is. Without them `trimtab check`
// refuses the file, so that nothing grows by a guess. A flag whose feature trimtab does not have yet is named with its value,
// and blocks.
package migrate
