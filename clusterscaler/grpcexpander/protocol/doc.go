// Package protocol is the wire of cluster-autoscaler's gRPC expander. The Go files are made from expander.proto by protoc-gen-go
// and protoc-gen-go-grpc, through a compiler in Go (test/programs/protos). It guarantees the names and numbers of that protocol.
package protocol
