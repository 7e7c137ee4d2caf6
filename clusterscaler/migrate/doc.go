// Package migrate knows cluster-autoscaler: its flags, and what becomes of each in trimtab's configuration;
// package migration reads the installation and writes the file.
//
// It guarantees besides that what it writes is accepted by the section clusterScaler, but for the templates of
// the node groups, which stand in no flag, and for the server of the provider externalgrpc where no file says where
// it is: without them `trimtab check` refuses the file, so that nothing grows by a guess. A flag whose feature trimtab does not have yet is told with its value, and blocks.
package migrate
