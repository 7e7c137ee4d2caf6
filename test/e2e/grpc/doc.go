// Package grpc breaks the cloud that the cluster scaler's provider externalgrpc speaks to, on the real control plane: a
// server that throttles, lies about sizes, loses instances, and forgets groups in the middle of what is asked of them.
// The cloud is a fake; API server, scheduler and controllers are real, and kwok plays its nodes.
package grpc
