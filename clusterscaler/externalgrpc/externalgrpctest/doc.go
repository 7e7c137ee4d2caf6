// Package externalgrpctest is a fake, for tests: Fake is a server of cluster-autoscaler's external gRPC protocol with a
// cloud of groups and nodes in memory behind it, on a real listener, with TLS if wanted; beside it are a fake authority
// for certificates and a relay for connections that break.
//
// It guarantees that it does what the protocol says of a server unless it is told to fail, hang, lie, or answer
// nonsense, and it counts the calls. It makes no machine, and nothing of it belongs into the product: it stands here, and
// not in test/, since the tests of two Go modules speak to it: the unit tests of the provider and of the cluster scaler,
// and those on the real control plane (test/e2e/grpc), where nodes follow its groups.
package externalgrpctest
