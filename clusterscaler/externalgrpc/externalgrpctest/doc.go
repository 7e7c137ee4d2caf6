// Package externalgrpctest has a fake server of cluster-autoscaler's external gRPC protocol, for tests: a cloud of
// groups and nodes in memory behind a real listener, with TLS if wanted.
//
// It guarantees that it does what the protocol says of a server unless it is told to fail, hang, or answer nonsense,
// and it counts the calls. It is a fake: it makes no machine, and nothing of it belongs into the product.
package externalgrpctest
